// tls_load PORT CONNS SIZE DEPTH SECONDS: echo round trips over TLS, the certificate not checked; prints messages/s,
// p50 and p99. The time begins once every connection has been answered.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

typedef struct {
  SSL *ssl;
  int fd;
  size_t received;
  double started;
} Client;

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

// Sends a batch; the time of it begins now.
static void start(Client *client, const char *batch, size_t length) {
  client->started = now();
  for (size_t sent = 0; sent < length;) {
    int count = SSL_write(client->ssl, batch + sent, length - sent);
    if (count > 0)
      sent += count;
    else if (SSL_get_error(client->ssl, count) == SSL_ERROR_WANT_WRITE)
      usleep(20);
    else
      fail("the write failed");
  }
}

int main(int count, char **words) {
  if (count < 6) {
    fprintf(stderr, "usage: tls_load PORT CONNS SIZE DEPTH SECONDS\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  int clients = atoi(words[2]), depth = atoi(words[4]);
  size_t size = atoi(words[3]), length = size * depth;
  double seconds = atof(words[5]);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  int epoll = epoll_create1(0);
  Client *all = calloc(clients, sizeof(Client));
  for (int i = 0; i < clients; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
      perror("connect");
      return 1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    all[i].fd = fd;
    all[i].ssl = SSL_new(context);
    SSL_set_fd(all[i].ssl, fd);
    if (SSL_connect(all[i].ssl) != 1)
      fail("the handshake failed");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  char *batch = malloc(length), *in = malloc(1 << 20);
  memset(batch, 'x', length);
  size_t capacity = 1 << 22, kept = 0;
  double *latency = malloc(capacity * sizeof(double));
  long total = 0;
  int answered = 0;
  for (int i = 0; i < clients; i++)
    start(&all[i], batch, length);
  double started = 0, end = now() + 20;
  struct epoll_event events[256];
  while (now() < end) {
    int ready = epoll_wait(epoll, events, 256, 100);
    for (int i = 0; i < ready; i++) {
      Client *client = events[i].data.ptr;
      for (;;) {
        int got = SSL_read(client->ssl, in, 1 << 20);
        if (got <= 0) {
          if (SSL_get_error(client->ssl, got) != SSL_ERROR_WANT_READ)
            fail("closed early");
          break;
        }
        client->received += got;
      }
      if (client->received < length)
        continue;
      client->received -= length;
      if (answered < clients) {
        if (++answered < clients)
          continue;
        started = now();
        end = started + seconds;
        for (int j = 0; j < clients; j++)
          start(&all[j], batch, length);
        continue;
      }
      if (kept < capacity)
        latency[kept++] = now() - client->started;
      total += depth;
      start(client, batch, length);
    }
  }
  if (answered < clients)
    fail("not every connection was answered");
  double elapsed = now() - started;
  qsort(latency, kept, sizeof(double), by_length);
  printf("%.0f msg/s  %.1f MB/s  p50=%.0fus p99=%.0fus\n", total / elapsed, total / elapsed * size / 1e6,
         kept ? latency[kept / 2] * 1e6 : 0, kept ? latency[(size_t)(kept * 0.99)] * 1e6 : 0);
  return 0;
}
