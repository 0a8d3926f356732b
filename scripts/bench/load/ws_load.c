// ws_load HOST PORT PATH CONNS SIZE DEPTH SECONDS: WebSocket echo load (text frames, masked), SIZE < 65536;
// prints messages/s, p50, p99
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

typedef struct {
  int fd;
  long rcvd;
  double t;
} C;
int main(int c, char **v) {
  if (c < 8) {
    fprintf(stderr, "usage: ws_load HOST PORT PATH CONNS SIZE DEPTH SECONDS\n");
    return 2;
  }
  int port = atoi(v[2]), n = atoi(v[4]), sz = atoi(v[5]), d = atoi(v[6]);
  double secs = atof(v[7]);
  int hl = sz < 126 ? 2 : 4;
  size_t fl = hl + 4 + sz;
  unsigned char *f = malloc(fl);
  f[0] = 0x81;
  if (sz < 126)
    f[1] = 0x80 | sz;
  else {
    f[1] = 0x80 | 126;
    f[2] = sz >> 8;
    f[3] = sz;
  }
  unsigned char k[4] = {0x12, 0x34, 0x56, 0x78};
  memcpy(f + hl, k, 4);
  for (int i = 0; i < sz; i++)
    f[hl + 4 + i] = 'x' ^ k[i & 3];
  char *out = malloc(fl * d);
  for (int i = 0; i < d; i++)
    memcpy(out + fl * i, f, fl);
  long need = (long)(hl + sz) * d;
  char *in = malloc(1 << 20);
  int ep = epoll_create1(0);
  C *cs = calloc(n, sizeof(C));
  for (int i = 0; i < n; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {0};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    inet_pton(AF_INET, v[1], &a.sin_addr);
    if (connect(fd, (void *)&a, sizeof a)) {
      perror("connect");
      return 1;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
    char h[512];
    int L =
        sprintf(h,
                "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: "
                "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                v[3], v[1], port);
    if (write(fd, h, L) != L)
      return 1;
    size_t got = 0;
    for (;;) {
      ssize_t r = read(fd, in + got, 1);
      if (r <= 0) {
        fprintf(stderr, "no upgrade\n");
        return 1;
      }
      got += r;
      if (got >= 4 && !memcmp(in + got - 4, "\r\n\r\n", 4))
        break;
    }
    if (memcmp(in, "HTTP/1.1 101", 12)) {
      fprintf(stderr, "not 101: %.40s\n", in);
      return 1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    cs[i].fd = fd;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &cs[i]};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
  }
  double t0 = now(), end = t0 + secs;
  long total = 0;
  size_t nl = 0, cap = 1 << 22;
  double *lat = malloc(cap * 8);
  struct epoll_event ev[256];
#define SEND(q)                                                                                              \
  do {                                                                                                       \
    size_t o = 0;                                                                                            \
    while (o < fl * d) {                                                                                     \
      ssize_t w = write((q)->fd, out + o, fl * d - o);                                                       \
      if (w < 0) {                                                                                           \
        if (errno == EAGAIN) {                                                                               \
          usleep(20);                                                                                        \
          continue;                                                                                          \
        }                                                                                                    \
        perror("write");                                                                                     \
        return 1;                                                                                            \
      }                                                                                                      \
      o += w;                                                                                                \
    }                                                                                                        \
  } while (0)
  for (int i = 0; i < n; i++) {
    cs[i].t = now();
    SEND(&cs[i]);
  }
  while (now() < end) {
    int m = epoll_wait(ep, ev, 256, 100);
    for (int i = 0; i < m; i++) {
      C *q = ev[i].data.ptr;
      ssize_t r = read(q->fd, in, 1 << 20);
      if (r <= 0) {
        if (r < 0 && errno == EAGAIN)
          continue;
        fprintf(stderr, "closed\n");
        return 1;
      }
      q->rcvd += r;
      if (q->rcvd >= need) {
        q->rcvd -= need;
        double t = now();
        if (nl < cap)
          lat[nl++] = t - q->t;
        total += d;
        q->t = t;
        SEND(q);
      }
    }
  }
  double el = now() - t0;
  qsort(lat, nl, 8, by_length);
  printf("%.0f msg/s  p50=%.0fus p99=%.0fus\n", total / el, nl ? lat[nl / 2] * 1e6 : 0,
         nl ? lat[(size_t)(nl * .99)] * 1e6 : 0);
  return 0;
}
