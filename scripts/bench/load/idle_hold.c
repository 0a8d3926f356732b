// hold PORT N SECS : opens N idle connections from 127.0.0.x sources, reports time, holds
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

int main(int c, char **v) {
  int port = atoi(v[1]), n = atoi(v[2]);
  double secs = atof(v[3]);
  double t = now();
  int ok = 0;
  int *f = malloc(n * sizeof(int));
  for (int i = 0; i < n; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
      perror("socket");
      break;
    }
    struct sockaddr_in s = {0};
    s.sin_family = AF_INET;
    s.sin_addr.s_addr = htonl(0x7f000002 + i / 20000);
    int one = 1;
    setsockopt(fd, IPPROTO_IP, 24 /*IP_BIND_ADDRESS_NO_PORT*/, &one, 4);
    bind(fd, (void *)&s, sizeof s);
    struct sockaddr_in a = {0};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (void *)&a, sizeof a)) {
      perror("connect");
      break;
    }
    f[ok++] = fd;
  }
  printf("%d conns in %.2fs\n", ok, now() - t);
  fflush(stdout);
  // touch each
  char b[64];
  double t1 = now();
  int echoed = 0;
  for (int i = 0; i < ok; i++) {
    if (write(f[i], "ping\n", 5) != 5)
      break;
  }
  for (int i = 0; i < ok; i++) {
    if (read(f[i], b, 64) > 0)
      echoed++;
  }
  printf("echoed on %d in %.2fs\n", echoed, now() - t1);
  fflush(stdout);
  usleep(secs * 1e6);
  return 0;
}
