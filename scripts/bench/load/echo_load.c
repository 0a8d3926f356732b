// echo_load HOST PORT CONNS SIZE DEPTH SECONDS: echo round trips; prints messages/s, p50 and p99. A HOST that begins
// with a slash is the path of a Unix socket. The time begins once every connection has been answered.
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
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"

typedef struct {
  int fd;
  long rcvd;
  double started;
} C;
static int dial(const char *host, int port) {
  if (host[0] == '/') {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    strncpy(u.sun_path, host, sizeof u.sun_path - 1);
    return connect(fd, (void *)&u, sizeof u) ? -1 : fd;
  }
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &a.sin_addr);
  if (connect(fd, (void *)&a, sizeof a))
    return -1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}
// Sends a batch; the time of it begins now.
static void start(C *q, const char *out, size_t tot) {
  q->started = now();
  for (size_t off = 0; off < tot;) {
    ssize_t w = write(q->fd, out + off, tot - off);
    if (w < 0 && errno == EAGAIN) {
      usleep(20);
      continue;
    }
    if (w < 0) {
      perror("write");
      exit(1);
    }
    off += w;
  }
}
int main(int c, char **v) {
  if (c < 7) {
    fprintf(stderr, "usage: echo_load HOST PORT CONNS SIZE DEPTH SECONDS\n");
    return 2;
  }
  int n = atoi(v[3]), sz = atoi(v[4]), d = atoi(v[5]);
  double secs = atof(v[6]);
  int ep = epoll_create1(0);
  C *cs = calloc(n, sizeof(C));
  size_t tot = (size_t)sz * d;
  char *out = malloc(tot), *in = malloc(1 << 20);
  memset(out, 'x', tot);
  for (int i = 1; i <= d; i++)
    out[(size_t)i * sz - 1] = '\n';
  for (int i = 0; i < n; i++) {
    if ((cs[i].fd = dial(v[1], atoi(v[2]))) < 0) {
      perror("connect");
      return 1;
    }
    fcntl(cs[i].fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &cs[i]};
    epoll_ctl(ep, EPOLL_CTL_ADD, cs[i].fd, &e);
  }
  size_t cap = 1 << 22, nl = 0;
  double *lat = malloc(cap * sizeof(double));
  long total = 0;
  int warm = 0;
  for (int i = 0; i < n; i++)
    start(&cs[i], out, tot);
  double t0 = 0, end = now() + 20;
  struct epoll_event ev[256];
  while (now() < end) {
    int k = epoll_wait(ep, ev, 256, 100);
    for (int i = 0; i < k; i++) {
      C *q = ev[i].data.ptr;
      ssize_t r = read(q->fd, in, 1 << 20);
      if (r <= 0) {
        if (r < 0 && errno == EAGAIN)
          continue;
        fprintf(stderr, "closed\n");
        return 1;
      }
      q->rcvd += r;
      if (q->rcvd < (long)tot)
        continue;
      q->rcvd -= tot;
      if (warm < n) {
        if (++warm < n)
          continue;
        t0 = now();
        end = t0 + secs;
        for (int j = 0; j < n; j++)
          start(&cs[j], out, tot);
        continue;
      }
      if (nl < cap)
        lat[nl++] = now() - q->started;
      total += d;
      start(q, out, tot);
    }
  }
  if (warm < n) {
    fprintf(stderr, "%d of %d connections were answered\n", warm, n);
    return 1;
  }
  double el = now() - t0;
  qsort(lat, nl, sizeof(double), by_length);
  printf("%.0f msg/s  %.1f MB/s  p50=%.0fus p99=%.0fus\n", total / el, total / el * sz / 1e6,
         nl ? lat[nl / 2] * 1e6 : 0, nl ? lat[(size_t)(nl * 0.99)] * 1e6 : 0);
  return 0;
}
