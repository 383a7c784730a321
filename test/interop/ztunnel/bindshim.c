/*
 * Preloaded into ztunnel, whose ports and wildcard addresses are fixed: moves a bind of 0.0.0.0, 127.0.0.1, :: or ::1 to a
 * port of 15000-15099 onto $BIND_ADDR, so that several share one loopback. Everything else passes unchanged.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef int bind_fn(int, const struct sockaddr *, socklen_t);

int bind(int fd, const struct sockaddr *given, socklen_t length) {
  bind_fn *real = (bind_fn *)dlsym(RTLD_NEXT, "bind");
  const char *wanted = getenv("BIND_ADDR");
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  if (wanted == NULL) return real(fd, given, length);

  if (given->sa_family == AF_INET && length >= sizeof v4) {
    memcpy(&v4, given, sizeof v4);
    in_addr_t from = v4.sin_addr.s_addr;
    int port = ntohs(v4.sin_port);
    if (port < 15000 || port > 15099 || (from != htonl(INADDR_ANY) && from != htonl(INADDR_LOOPBACK)))
      return real(fd, given, length);
    if (inet_pton(AF_INET, wanted, &v4.sin_addr) != 1) return errno = EADDRNOTAVAIL, -1;
    return real(fd, (struct sockaddr *)&v4, sizeof v4);
  }

  if (given->sa_family == AF_INET6 && length >= sizeof v6) {
    memcpy(&v6, given, sizeof v6);
    int port = ntohs(v6.sin6_port), off = 0;
    if (port < 15000 || port > 15099 || !(IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) || IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)))
      return real(fd, given, length);
    char mapped[64] = "::ffff:";
    strncat(mapped, wanted, sizeof mapped - strlen(mapped) - 1);
    if (inet_pton(AF_INET6, mapped, &v6.sin6_addr) != 1) return errno = EADDRNOTAVAIL, -1;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return real(fd, (struct sockaddr *)&v6, sizeof v6);
  }
  return real(fd, given, length);
}
