// load HOST PORT CONNS MSGSIZE DEPTH SECONDS : echo round trips; prints msgs/s, p50,p99 us
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
#include <time.h>
#include <unistd.h>
static double now() {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
typedef struct {
  int fd;
  long sent;
  long rcvd;
  double *ts;
  int head;
} C;
static int cmp(const void *a, const void *b) {
  double x = *(double *)a, y = *(double *)b;
  return x < y ? -1 : x > y;
}
int main(int c, char **v) {
  const char *h = v[1];
  int port = atoi(v[2]), n = atoi(v[3]), sz = atoi(v[4]), d = atoi(v[5]);
  double secs = atof(v[6]);
  int ep = epoll_create1(0);
  C *cs = calloc(n, sizeof(C));
  char *out = malloc((size_t)sz * d);
  memset(out, 'x', (size_t)sz * d);
  for (int i = 1; i <= d; i++)
    out[(size_t)i * sz - 1] = '\n';
  char *in = malloc(1 << 20);
  for (int i = 0; i < n; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {0};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    inet_pton(AF_INET, h, &a.sin_addr);
    if (connect(fd, (void *)&a, sizeof a)) {
      perror("connect");
      return 1;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    cs[i].fd = fd;
    cs[i].ts = malloc(sizeof(double));
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &cs[i]};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
  }
  double t0 = now(), end = t0 + secs;
  size_t cap = 1 << 22, nl = 0;
  double *lat = malloc(cap * sizeof(double));
  long total = 0;
  for (int i = 0; i < n; i++) {
    cs[i].ts[0] = now();
    size_t off = 0, tot = (size_t)sz * d;
    while (off < tot) {
      ssize_t w = write(cs[i].fd, out + off, tot - off);
      if (w < 0) {
        if (errno == EAGAIN) {
          usleep(50);
          continue;
        }
        perror("write");
        return 1;
      }
      off += w;
    }
  }
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
      if (q->rcvd >= (long)sz * d) {
        q->rcvd -= (long)sz * d;
        double t = now();
        if (nl < cap)
          lat[nl++] = t - q->ts[0];
        total += d;
        q->ts[0] = t;
        size_t off = 0, tot = (size_t)sz * d;
        while (off < tot) {
          ssize_t w = write(q->fd, out + off, tot - off);
          if (w < 0) {
            if (errno == EAGAIN) {
              usleep(20);
              continue;
            }
            perror("write");
            return 1;
          }
          off += w;
        }
      }
    }
  }
  double el = now() - t0;
  qsort(lat, nl, sizeof(double), cmp);
  printf("%.0f msg/s  %.1f MB/s  p50=%.0fus p99=%.0fus\n", total / el, total / el * sz / 1e6,
         nl ? lat[nl / 2] * 1e6 : 0, nl ? lat[(size_t)(nl * 0.99)] * 1e6 : 0);
  return 0;
}
