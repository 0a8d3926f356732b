// epoll_echo PORT|PATH: an echo server on one thread and epoll, over TCP or a Unix socket.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static int listen_on(const char *where) {
  int one = 1, s;
  if (where[0] == '/') {
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    strncpy(u.sun_path, where, sizeof u.sun_path - 1);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(s, (void *)&u, sizeof u);
  } else {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(where))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, 4);
    bind(s, (void *)&a, sizeof a);
  }
  listen(s, 1024);
  return s;
}
int main(int c, char **v) {
  int one = 1, s = listen_on(v[1]);
  signal(SIGPIPE, SIG_IGN);
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
