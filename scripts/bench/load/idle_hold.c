// idle_hold PORT SOURCE: holds connections to PORT, from 127.0.0.SOURCE and the addresses behind it.
// Commands on standard input, each answered by one line; the end of input ends it:
//   open N    opens connections until there are N
//   sample K  an echo on each of K connections at random, one after the other
//   echo      an echo on every connection, 256 of them in flight
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"

// Linux prefers every second of its 28,000 ports for clients, and looks long once these are taken.
enum { FROM_EACH_ADDRESS = 10000, IN_FLIGHT = 256 };

static int *fds, count;

static int open_one(int port, int source) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (fd < 0)
    return -1;
  // A server that answers no more is a figure, not a program that never ends.
  struct timeval limit = {30, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd, IPPROTO_IP, 24 /*IP_BIND_ADDRESS_NO_PORT*/, &one, sizeof one);
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
  from.sin_addr.s_addr = htonl(0x7f000000 + source + count / FROM_EACH_ADDRESS);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (void *)&from, sizeof from) || connect(fd, (void *)&to, sizeof to)) {
    close(fd);
    return -1;
  }
  fds[count++] = fd;
  return 0;
}

static int ask(int fd) { return write(fd, "ping\n", 5) == 5; }

static int answered(int fd) {
  char bytes[8];
  return recv(fd, bytes, 5, MSG_WAITALL) == 5;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int port = atoi(argv[1]), source = atoi(argv[2]), n;
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    double start = now();
    if (sscanf(line, "open %d", &n) == 1) {
      fds = realloc(fds, n * sizeof *fds);
      while (count < n && open_one(port, source) == 0)
        ;
      printf("%d open in %.3f s\n", count, now() - start);
    } else if (sscanf(line, "sample %d", &n) == 1) {
      double *us = malloc(n * sizeof *us);
      int done = 0;
      while (done < n) {
        int fd = fds[rand() % count];
        double at = now();
        if (!ask(fd) || !answered(fd))
          break;
        us[done++] = (now() - at) * 1e6;
      }
      qsort(us, done, sizeof *us, by_length);
      printf("%d echoed, p50=%.1fus\n", done, done ? us[done / 2] : 0.0);
      free(us);
    } else {
      int done = 0;
      for (int asked = 0; done < asked || asked < count;) {
        while (asked < count && asked - done < IN_FLIGHT)
          ask(fds[asked++]);
        if (!answered(fds[done]))
          break;
        done++;
      }
      printf("%d echoed in %.3f s\n", done, now() - start);
    }
    fflush(stdout);
  }
  return 0;
}
