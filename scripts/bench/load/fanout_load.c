// fanout_load PORT[,PORT...] RECEIVERS BATCH SECONDS PREAMBLE MESSAGE [SETTLE_MS [MARKER [WS_PATH [SUBPROTOCOL]]]]: every receiver and one
// sender send PREAMBLE (%d is the connection's number); the sender then sends batches of MESSAGE, which holds one
// MARKER (a character, by default byte 1, written \1), and waits until every receiver got them. Of several ports each
// is given every n-th connection. With WS_PATH it
// speaks WebSocket: PREAMBLE and each MESSAGE are one masked text frame.
#define _GNU_SOURCE
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

static char *unesc(const char *s, int id, int *len) {
  char *o = malloc(strlen(s) * 2 + 64), *p = o;
  while (*s) {
    if (*s == '\\') {
      s++;
      if (*s == 'r')
        *p++ = '\r';
      else if (*s == 'n')
        *p++ = '\n';
      else if (*s == '1')
        *p++ = 1;
      else
        *p++ = *s;
      s++;
    } else if (*s == '%' && s[1] == 'd') {
      p += sprintf(p, "%d", id);
      s += 2;
    } else
      *p++ = *s++;
  }
  *len = p - o;
  return o;
}
// One masked text frame; a mask of zeros leaves the payload as it is.
static char *frame(char *payload, int *length) {
  char *o = malloc(*length + 14);
  int head = *length < 126 ? 2 : 4;
  o[0] = (char)0x81;
  o[1] = (char)(0x80 | (head == 2 ? *length : 126));
  if (head == 4) {
    o[2] = (char)(*length >> 8);
    o[3] = (char)*length;
  }
  memset(o + head, 0, 4);
  memcpy(o + head + 4, payload, *length);
  *length += head + 4;
  return o;
}
static int upgrade(int fd, int port, const char *path, const char *protocol) {
  char h[512], extra[128] = "", in[4096];
  if (protocol)
    snprintf(extra, sizeof extra, "Sec-WebSocket-Protocol: %s\r\n", protocol);
  int n = sprintf(h,
                  "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                  path, port, extra);
  if (write(fd, h, n) != n)
    return 0;
  for (size_t got = 0; got < sizeof in;) {
    ssize_t r = read(fd, in + got, 1);
    if (r <= 0)
      return 0;
    got += r;
    if (got >= 4 && !memcmp(in + got - 4, "\r\n\r\n", 4))
      return !memcmp(in, "HTTP/1.1 101", 12);
  }
  return 0;
}
// Reads and drops what has come: who does not read while others join would be closed as too slow.
static void drain(int epoll, const int *fds, char *buffer, int waitMs) {
  static struct epoll_event events[8192];
  int ready = epoll_wait(epoll, events, 8192, waitMs);
  for (int i = 0; i < ready; i++)
    while (read(fds[events[i].data.u32], buffer, 1 << 20) > 0)
      ;
}
int main(int c, char **v) {
  if (c < 7) {
    fprintf(stderr, "usage: fanout_load PORT[,PORT...] RECEIVERS BATCH SECONDS PREAMBLE MESSAGE [SETTLE_MS [MARKER [WS_PATH "
                    "[SUBPROTOCOL]]]]\n");
    return 2;
  }
  char marker = c > 8 && v[8][0] ? v[8][0] : 1;
  const char *path = c > 9 ? v[9] : NULL, *protocol = c > 10 ? v[10] : NULL;
  int ports[16], portCount = 0, n = atoi(v[2]), K = atoi(v[3]);
  for (char *s = strtok(v[1], ","); s && portCount < 16; s = strtok(NULL, ","))
    ports[portCount++] = atoi(s);
  double secs = atof(v[4]);
  int settle = c > 7 ? atoi(v[7]) : 500;
  int *f = malloc((n + 1) * 4);
  char *b = malloc(1 << 20);
  int ep = epoll_create1(0);
  for (int i = 0; i <= n; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), port = ports[i % portCount];
    struct sockaddr_in a = {0};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (void *)&a, sizeof a)) {
      perror("connect");
      return 1;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
    int L;
    char *p = unesc(v[5], i, &L);
    if (path && !upgrade(fd, port, path, protocol)) {
      fprintf(stderr, "no upgrade\n");
      return 1;
    }
    if (path)
      p = frame(p, &L);
    if (write(fd, p, L) != L)
      return 1;
    f[i] = fd;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    drain(ep, f, b, 0);
  }
  for (double settled = now() + settle / 1000.0; now() < settled;)
    drain(ep, f, b, 20);
  int L;
  char *m = unesc(v[6], 0, &L);
  if (path)
    m = frame(m, &L);
  char *batch = malloc((size_t)L * K);
  for (int i = 0; i < K; i++)
    memcpy(batch + (size_t)i * L, m, L);
  double t0 = now(), end = t0 + secs;
  long rounds = 0, deliv = 0;
  double *lat = malloc(8 * 1000000);
  int nl = 0;
  struct epoll_event ev[256];
  while (now() < end) {
    double r0 = now();
    size_t o = 0;
    while (o < (size_t)L * K) {
      ssize_t w = write(f[n], batch + o, (size_t)L * K - o);
      if (w < 0) {
        if (errno == EAGAIN) {
          usleep(50);
          continue;
        }
        perror("w");
        return 1;
      }
      o += w;
    }
    long need = (long)n * K, got = 0;
    while (got < need) {
      int k = epoll_wait(ep, ev, 256, 2000);
      if (k == 0) {
        printf("stalled got %ld of %ld\n", got, need);
        return 1;
      }
      for (int i = 0; i < k; i++) {
        int x = ev[i].data.u32;
        ssize_t r = read(f[x], b, 1 << 20);
        if (r == 0) {
          printf("closed %d\n", x);
          return 1;
        }
        if (r < 0)
          continue;
        if (x == n)
          continue;
        for (ssize_t j = 0; j < r; j++)
          got += b[j] == marker;
      }
    }
    deliv += got;
    rounds++;
    if (nl < 1000000)
      lat[nl++] = now() - r0;
  }
  double el = now() - t0;
  qsort(lat, nl, 8, by_length);
  printf("N=%d K=%d %.0f deliveries/s  %.0f msgs/s in, round p50=%.0fus p99=%.0fus\n", n, K, deliv / el,
         (double)rounds * K / el, lat[nl / 2] * 1e6, lat[(int)(nl * 0.99)] * 1e6);
  return 0;
}
