// uload PORT SOCKS SIZE WINDOW SECS
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

int main(int c, char **v) {
  int port = atoi(v[1]), n = atoi(v[2]), sz = atoi(v[3]), w = atoi(v[4]);
  double secs = atof(v[5]);
  int ep = epoll_create1(0);
  char b[65536];
  memset(b, 'x', sizeof b);
  int *f = malloc(n * 4);
  double *last = malloc(n * 8);
  for (int i = 0; i < n; i++) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = {0};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(fd, (void *)&a, sizeof a);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    f[i] = fd;
    for (int k = 0; k < w; k++)
      send(fd, b, sz, 0);
    last[i] = now();
  }
  double t0 = now();
  long got = 0, resent = 0;
  struct epoll_event ev[64];
  while (now() < t0 + secs) {
    int k = epoll_wait(ep, ev, 64, 50);
    double t = now();
    for (int i = 0; i < k; i++) {
      int x = ev[i].data.u32;
      while (recv(f[x], b, sizeof b, 0) > 0) {
        got++;
        send(f[x], b, sz, 0);
      }
      last[x] = t;
    }
    for (int i = 0; i < n; i++)
      if (t - last[i] > 0.2) {
        send(f[i], b, sz, 0);
        resent++;
        last[i] = t;
      }
  }
  printf("%.0f echo/s lostwindows=%ld\n", got / (now() - t0), resent);
}
