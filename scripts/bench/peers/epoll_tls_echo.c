// epoll_tls_echo PORT CERT KEY: an echo server over TLS on one thread, epoll and OpenSSL.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[65536];

// Echoes everything received; returns 0 once the client has disconnected. Retries a reply that does not fit.
static int echo(SSL *ssl) {
  for (;;) {
    int got = SSL_read(ssl, buffer, sizeof buffer);
    if (got <= 0)
      return SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ;
    for (int sent = 0; sent < got;) {
      int count = SSL_write(ssl, buffer + sent, got - sent);
      if (count > 0)
        sent += count;
      else if (SSL_get_error(ssl, count) != SSL_ERROR_WANT_WRITE)
        return 0;
    }
  }
}

int main(int count, char **words) {
  if (count < 4)
    return 2;
  signal(SIGPIPE, SIG_IGN);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(context, words[2]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, words[3], SSL_FILETYPE_PEM) != 1)
    return 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(listener, (struct sockaddr *)&address, sizeof address);
  listen(listener, 1024);
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  struct epoll_event events[256];
  for (;;) {
    int ready = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      SSL *ssl = events[i].data.ptr;
      if (ssl == NULL) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        SSL_set_accept_state(ssl);
        struct epoll_event added = {.events = EPOLLIN, .data.ptr = ssl};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &added);
      } else if (!echo(ssl)) {
        close(SSL_get_fd(ssl));
        SSL_free(ssl);
      }
    }
  }
}
