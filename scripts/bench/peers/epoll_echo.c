#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int c, char **v) {
  int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, 4);
  struct sockaddr_in a = {0};
  a.sin_family = AF_INET;
  a.sin_port = htons(atoi(v[1]));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(s, (void *)&a, sizeof a);
  listen(s, 1024);
  int ep = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.fd = s};
  epoll_ctl(ep, EPOLL_CTL_ADD, s, &e);
  struct epoll_event ev[256];
  static char b[65536];
  for (;;) {
    int k = epoll_wait(ep, ev, 256, -1);
    for (int i = 0; i < k; i++) {
      int fd = ev[i].data.fd;
      if (fd == s) {
        int n = accept4(s, 0, 0, SOCK_NONBLOCK);
        setsockopt(n, IPPROTO_TCP, TCP_NODELAY, &one, 4);
        struct epoll_event x = {.events = EPOLLIN, .data.fd = n};
        epoll_ctl(ep, EPOLL_CTL_ADD, n, &x);
      } else {
        ssize_t r = read(fd, b, sizeof b);
        if (r <= 0) {
          if (r < 0 && errno == EAGAIN)
            continue;
          close(fd);
          continue;
        }
        ssize_t o = 0;
        while (o < r) {
          ssize_t w = write(fd, b + o, r - o);
          if (w < 0) {
            if (errno == EAGAIN)
              continue;
            break;
          }
          o += w;
        }
      }
    }
  }
}
