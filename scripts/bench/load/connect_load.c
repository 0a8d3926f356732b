// connect_load PORT CONNS SIZE SECONDS: CONNS clients, each again and again: connect, send SIZE bytes, read
// them back, close. Prints connections a second and the time of one such exchange.
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
  int has_sent;
  long received;
  double started;
} Client;

static void dial(int epoll, Client *client, const struct sockaddr_in *address) {
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int one = 1;
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // Each close leaves a port in TIME_WAIT: addresses of our own in turn, so that a run does not use up the ports.
  static unsigned turn;
  struct sockaddr_in own = {.sin_family = AF_INET};
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + turn++ % 200);
  setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  bind(client->fd, (const struct sockaddr *)&own, sizeof own);
  client->has_sent = 0;
  client->received = 0;
  client->started = now();
  if (connect(client->fd, (const struct sockaddr *)address, sizeof *address) && errno != EINPROGRESS) {
    perror("connect");
    exit(1);
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
  epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
}

int main(int count, char **words) {
  if (count < 5) {
    fprintf(stderr, "usage: connect_load PORT CONNS SIZE SECONDS\n");
    return 2;
  }
  int clients = atoi(words[2]), size = atoi(words[3]);
  double seconds = atof(words[4]);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char *message = malloc(size), buffer[65536];
  memset(message, 'x', size);
  int epoll = epoll_create1(0);
  Client *all = calloc(clients, sizeof(Client));
  for (int i = 0; i < clients; i++)
    dial(epoll, &all[i], &address);
  size_t capacity = 1 << 20, done = 0;
  double *latency = malloc(capacity * sizeof(double));
  double start = now(), end = start + seconds;
  struct epoll_event events[256];
  while (now() < end) {
    int ready = epoll_wait(epoll, events, 256, 100);
    for (int i = 0; i < ready; i++) {
      Client *client = events[i].data.ptr;
      if (!client->has_sent) {
        if (write(client->fd, message, size) != size) {
          perror("write");
          return 1;
        }
        client->has_sent = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
        epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &event);
        continue;
      }
      ssize_t got = read(client->fd, buffer, sizeof buffer);
      if (got <= 0) {
        fprintf(stderr, "closed early\n");
        return 1;
      }
      client->received += got;
      if (client->received < size)
        continue;
      if (done < capacity)
        latency[done] = now() - client->started;
      done++;
      close(client->fd);
      dial(epoll, client, &address);
    }
  }
  double elapsed = now() - start;
  size_t kept = done < capacity ? done : capacity;
  qsort(latency, kept, sizeof(double), by_length);
  printf("%.0f conn/s  p50=%.0fus p99=%.0fus\n", done / elapsed, kept ? latency[kept / 2] * 1e6 : 0,
         kept ? latency[(size_t)(kept * 0.99)] * 1e6 : 0);
  return 0;
}
