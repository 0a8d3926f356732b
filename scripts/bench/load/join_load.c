// join_load PORT CONNS PREAMBLE MARKER: all connect at once and send PREAMBLE (%d is the connection's number, \r and \n
// are escapes); each is in once MARKER is among what it is sent. The server must greet each client: until then it may
// be in the backlog, and dials. Prints the time until all are in, and p50 and p99 of each one's time from its connect.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

// As many dial at the same time: more than a listener's backlog would have to try again a second later.
#define MAX_DIALLING 400
#define GIVE_UP_SECONDS 60

typedef struct {
  int fd, id, has_sent, is_greeted, is_in;
  size_t matched;
  double started;
} Member;

static char in[1 << 20];

static void dial(int epoll, Member *member, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  member->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  // Closing with a reset leaves no TIME_WAIT behind: a run must not use up the ports.
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(member->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  member->started = now();
  if (connect(member->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
    perror("connect");
    exit(1);
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = member};
  epoll_ctl(epoll, EPOLL_CTL_ADD, member->fd, &event);
}

static void enter(int epoll, Member *member, const char *preamble) {
  char out[512];
  size_t length = 0;
  for (const char *at = preamble; *at && length < sizeof out - 16; at++) {
    if (*at == '%' && at[1] == 'd') {
      length += sprintf(out + length, "%d", member->id);
      at++;
    } else if (*at == '\\' && at[1]) {
      at++;
      out[length++] = *at == 'r' ? '\r' : *at == 'n' ? '\n' : *at;
    } else
      out[length++] = *at;
  }
  if (write(member->fd, out, length) != (ssize_t)length) {
    perror("write");
    exit(1);
  }
  member->has_sent = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = member};
  epoll_ctl(epoll, EPOLL_CTL_MOD, member->fd, &event);
}

// Markers begin with a byte that does not come again in them before the end, so a mismatch begins anew.
static int has_marker(Member *member, ssize_t count, const char *marker) {
  for (ssize_t i = 0; i < count; i++) {
    if (in[i] != marker[member->matched])
      member->matched = 0;
    if (in[i] == marker[member->matched] && !marker[++member->matched])
      return 1;
  }
  return 0;
}

int main(int count, char **words) {
  if (count < 5) {
    fprintf(stderr, "usage: join_load PORT CONNS PREAMBLE MARKER\n");
    return 2;
  }
  int port = atoi(words[1]), members = atoi(words[2]);
  int epoll = epoll_create1(0), dialled = 0, dialling = 0, joined = 0;
  Member *all = calloc(members, sizeof(Member));
  double *took = malloc(members * sizeof(double));
  double began = now();
  struct epoll_event events[512];
  while (joined < members) {
    for (; dialled < members && dialling < MAX_DIALLING; dialled++, dialling++) {
      all[dialled].id = dialled;
      dial(epoll, &all[dialled], port);
    }
    int ready = epoll_wait(epoll, events, 512, 100);
    for (int i = 0; i < ready; i++) {
      Member *member = events[i].data.ptr;
      if (!member->has_sent) {
        enter(epoll, member, words[3]);
        continue;
      }
      ssize_t got = read(member->fd, in, sizeof in);
      if (got < 0 && errno == EAGAIN)
        continue;
      if (got <= 0) {
        fprintf(stderr, "connection %d was closed\n", member->id);
        return 1;
      }
      if (!member->is_greeted) {
        member->is_greeted = 1;
        dialling--;
      }
      if (member->is_in || !has_marker(member, got, words[4]))
        continue;
      member->is_in = 1;
      took[joined++] = now() - member->started;
    }
    if (now() - began > GIVE_UP_SECONDS) {
      fprintf(stderr, "%d of %d were in after %d s\n", joined, members, GIVE_UP_SECONDS);
      return 1;
    }
  }
  double elapsed = now() - began;
  qsort(took, members, sizeof(double), by_length);
  printf("%d all in %.0f ms  %.0f joins/s  p50=%.0fus p99=%.0fus\n", members, elapsed * 1e3, members / elapsed,
         took[members / 2] * 1e6, took[(size_t)(members * 0.99)] * 1e6);
  return 0;
}
