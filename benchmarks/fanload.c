// fanload: cheap single-threaded epoll load client for SSE / WebSocket / MQTT-over-WebSocket fan-out.
// fanout.py compiles and calls it. Prints "READY n" when every connection is subscribed, then one JSON line.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <strings.h>

enum { M_SSE, M_WS, M_MQTT };
enum { S_CONNECTING, S_HDR, S_BODY, S_CLOSED };
enum { CK_SIZE, CK_DATA, CK_CRLF };

typedef struct { char *p; size_t n, cap; } Buf;
static void buf_add(Buf *b, const char *p, size_t n) {
  if (b->n + n > b->cap) { size_t c = b->cap ? b->cap : 512; while (c < b->n + n) c *= 2; b->p = realloc(b->p, c); b->cap = c; if (!b->p) { perror("oom"); exit(2);} }
  memcpy(b->p + b->n, p, n); b->n += n;
}

typedef struct {
  int fd, st, slow, ready, chunked, ck, done;
  uint64_t ck_left, ck_val; int ck_ext;
  Buf carry;   // partial header / partial SSE line / partial ws frame
  Buf mq;      // partial mqtt packet
  int have_data; int64_t ev_seq; int64_t ev_ts, ev_due;
  int64_t next; uint64_t events, gaps, ooo, bytes;
} Conn;

static int mode = M_SSE, nconn = 1, nslow = 0, slow_rcvbuf = 4096, deflate = 0, hold_ms = 0;
static const char *host = "127.0.0.1", *path = "/events", *topic = "events";
static int port = 8000; static int64_t nevents = 0; static double timeout_s = 60, idle_s = 8;
static Conn *C; static int ep; static int n_ready, n_done, n_closed;
static uint64_t total_events, n_compressed; static int64_t first_ts = 0, last_recv = 0, first_recv = 0;
static int64_t now_recv;

static int64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec; }

// log histogram, 128 sub-buckets per octave (<0.8 % bucket width), in ns
#define SUB 7
static uint64_t h_ts[64 << SUB], h_due[64 << SUB]; static int64_t max_ts, max_due; static uint64_t neg_ts;
static int hidx(uint64_t v) { if (v < (1u << SUB)) return (int)v; int e = 63 - __builtin_clzll(v); return ((e - SUB + 1) << SUB) + (int)((v >> (e - SUB)) & ((1 << SUB) - 1)); }
static double hval(int i) { if (i < (1 << SUB)) return i; int e = (i >> SUB) + SUB - 1; uint64_t m = i & ((1 << SUB) - 1); return (double)((1ULL << e) + (m << (e - SUB))) + (double)(1ULL << (e - SUB)) / 2; }
static double hq(uint64_t *h, double q) { uint64_t n = 0; for (int i = 0; i < (64 << SUB); i++) n += h[i]; if (!n) return -1; uint64_t k = (uint64_t)(q * (n - 1)), a = 0; for (int i = 0; i < (64 << SUB); i++) { a += h[i]; if (a > k) return hval(i); } return -1; }

static int64_t field(const char *p, size_t n, const char *key, size_t kl) {
  const char *q = memmem(p, n, key, kl); if (!q) return -1;
  const char *e = p + n; q += kl; while (q < e && (*q == ' ' || *q == ':')) q++;
  int64_t v = 0; int any = 0; while (q < e && *q >= '0' && *q <= '9') { v = v * 10 + (*q++ - '0'); any = 1; }
  return any ? v : -1;
}
static void conn_done(Conn *c) { if (!c->done) { c->done = 1; if (!c->slow) n_done++; } }
static void on_event(Conn *c, int64_t seq, int64_t ts, int64_t due) {
  total_events++; c->events++;
  if (!first_recv) first_recv = now_recv;
  last_recv = now_recv;
  if (ts > 0) {
    if (!first_ts || ts < first_ts) first_ts = ts;
    int64_t l = now_recv - ts; if (l < 0) { neg_ts++; l = 0; } h_ts[hidx(l)]++; if (l > max_ts) max_ts = l;
    if (due > 0) { l = now_recv - due; if (l < 0) l = 0; h_due[hidx(l)]++; if (l > max_due) max_due = l; }
  }
  if (seq >= 0) {
    if (seq == c->next) c->next++;
    else if (seq > c->next) { c->gaps += seq - c->next; c->next = seq + 1; }
    else c->ooo++;
    if (nevents && c->next >= nevents) conn_done(c);
  } else if (nevents && (int64_t)c->events >= nevents) conn_done(c);
}
static void payload(Conn *c, const char *p, size_t n) {
  size_t m = n < 256 ? n : 256; // our fields are at the start
  int64_t s = field(p, m, "\"seq\"", 5); if (s < 0) return;
  on_event(c, s, field(p, m, "\"ts\"", 4), field(p, m, "\"due\"", 5));
}
static void sse_line(Conn *c, const char *p, size_t n) {
  if (n && p[n - 1] == '\r') n--;
  if (n == 0) { if (c->have_data) { on_event(c, c->ev_seq, c->ev_ts, c->ev_due); c->have_data = 0; } return; }
  if (n > 5 && !memcmp(p, "data:", 5)) {
    size_t m = n < 256 ? n : 256; int64_t s = field(p, m, "\"seq\"", 5);
    if (s >= 0) { c->ev_seq = s; c->ev_ts = field(p, m, "\"ts\"", 4); c->ev_due = field(p, m, "\"due\"", 5); c->have_data = 1; }
  }
}
static void sse_feed(Conn *c, const char *p, size_t n) {
  while (n) {
    const char *e = memchr(p, '\n', n);
    if (!e) { buf_add(&c->carry, p, n); return; }
    size_t l = e - p;
    if (c->carry.n) { buf_add(&c->carry, p, l); sse_line(c, c->carry.p, c->carry.n); c->carry.n = 0; }
    else sse_line(c, p, l);
    p += l + 1; n -= l + 1;
  }
}
static void dechunk(Conn *c, const char *p, size_t n) {
  while (n) {
    if (c->ck == CK_SIZE) {
      char ch = *p++; n--;
      if (ch == '\n') { c->ck = c->ck_val ? CK_DATA : CK_CRLF; c->ck_left = c->ck_val; c->ck_val = 0; c->ck_ext = 0; }
      else if (ch == ';') c->ck_ext = 1;
      else if (!c->ck_ext) { int d = ch >= '0' && ch <= '9' ? ch - '0' : (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10 : -1; if (d >= 0) c->ck_val = c->ck_val * 16 + d; }
    } else if (c->ck == CK_DATA) {
      size_t m = n < c->ck_left ? n : c->ck_left; sse_feed(c, p, m); p += m; n -= m; c->ck_left -= m; if (!c->ck_left) c->ck = CK_CRLF;
    } else { char ch = *p++; n--; if (ch == '\n') c->ck = CK_SIZE; }
  }
}
static void xsend(Conn *c, const char *p, size_t n) { ssize_t r = send(c->fd, p, n, MSG_NOSIGNAL); (void)r; }
static void ws_send(Conn *c, int op, const char *p, size_t n) { // n < 126, zero mask key
  char b[256]; b[0] = 0x80 | op; b[1] = 0x80 | n; memset(b + 2, 0, 4); memcpy(b + 6, p, n); xsend(c, b, n + 6);
}
static void mark_ready(Conn *c) {
  if (c->ready) return; c->ready = 1; n_ready++;
}
static void mqtt_feed(Conn *c, const char *p, size_t n) {
  buf_add(&c->mq, p, n); size_t o = 0;
  for (;;) {
    size_t a = c->mq.n - o; unsigned char *q = (unsigned char *)c->mq.p + o; if (a < 2) break;
    size_t len = 0, sh = 0, i = 1; int ok = 0; while (i < a && i < 5) { len |= (size_t)(q[i] & 127) << sh; sh += 7; if (!(q[i++] & 128)) { ok = 1; break; } }
    if (!ok || a < i + len) break;
    int t = q[0] >> 4;
    if (t == 2) { char s[128]; size_t tl = strlen(topic); s[0] = (char)0x82; s[1] = 2 + 2 + tl + 1; s[2] = 0; s[3] = 1; s[4] = 0; s[5] = tl; memcpy(s + 6, topic, tl); s[6 + tl] = 0; ws_send(c, 2, s, 7 + tl); }
    else if (t == 9) mark_ready(c);
    else if (t == 3) { size_t tl = ((size_t)q[i] << 8) | q[i + 1]; payload(c, (char *)q + i + 2 + tl, len - 2 - tl); }
    o += i + len;
  }
  memmove(c->mq.p, c->mq.p + o, c->mq.n - o); c->mq.n -= o;
}
static void conn_close(Conn *c) { if (c->st != S_CLOSED) { epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, 0); close(c->fd); c->st = S_CLOSED; n_closed++; } }
static size_t ws_parse(Conn *c, const char *p, size_t n) {
  size_t o = 0;
  while (n - o >= 2) {
    const unsigned char *q = (const unsigned char *)p + o; size_t h = 2, a = n - o; uint64_t len = q[1] & 127;
    if (len == 126) { if (a < 4) break; len = (q[2] << 8) | q[3]; h = 4; }
    else if (len == 127) { if (a < 10) break; len = 0; for (int i = 0; i < 8; i++) len = len << 8 | q[2 + i]; h = 10; }
    if (a < h + len) break;
    int op = q[0] & 15; const char *d = (const char *)q + h;
    if (op == 1 || op == 2 || op == 0) {
      if (mode == M_MQTT) mqtt_feed(c, d, len);
      else if (q[0] & 0x40) { n_compressed++; on_event(c, -1, -1, -1); }   // permessage-deflate: counted, not parsed
      else for (const char *l = d, *end = d + len; l < end;) {   // a message is one or more lines
        const char *e = memchr(l, '\n', end - l); if (!e) e = end;
        payload(c, l, e - l); l = e + 1;
      }
    } else if (op == 9) { if (len < 126) ws_send(c, 10, d, len); }
    else if (op == 8) { conn_close(c); return n; }
    o += h + len;
  }
  return o;
}
static void feed(Conn *c, char *p, size_t n) {
  c->bytes += n;
  if (c->st == S_HDR) {
    buf_add(&c->carry, p, n);
    char *e = memmem(c->carry.p, c->carry.n, "\r\n\r\n", 4); if (!e) return;
    size_t hl = e - c->carry.p + 4; int code = c->carry.n > 12 ? atoi(c->carry.p + 9) : 0;
    if (code != (mode == M_SSE ? 200 : 101)) { fprintf(stderr, "bad status %d: %.*s\n", code, (int)(c->carry.n < 600 ? c->carry.n : 600), c->carry.p); exit(3); }
    *e = 0; c->chunked = strcasestr(c->carry.p, "transfer-encoding: chunked") != 0;
    c->st = S_BODY;
    size_t rest = c->carry.n - hl; char *tmp = malloc(rest + 1); memcpy(tmp, c->carry.p + hl, rest); c->carry.n = 0;
    if (mode == M_MQTT) { char s[] = "\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"; ws_send(c, 2, s, 14); }
    else mark_ready(c);
    c->bytes -= rest; if (rest) feed(c, tmp, rest); free(tmp); return;
  }
  if (mode == M_SSE) { if (c->chunked) dechunk(c, p, n); else sse_feed(c, p, n); return; }
  if (c->carry.n) {
    buf_add(&c->carry, p, n); size_t o = ws_parse(c, c->carry.p, c->carry.n);
    memmove(c->carry.p, c->carry.p + o, c->carry.n - o); c->carry.n -= o;
  } else { size_t o = ws_parse(c, p, n); if (o < n) buf_add(&c->carry, p + o, n - o); }
}
static void start_conn(Conn *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); if (c->fd < 0) { perror("socket"); exit(2); }
  int one = 1; setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (c->slow) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &slow_rcvbuf, sizeof slow_rcvbuf);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)}; inet_pton(AF_INET, host, &a.sin_addr);
  if (connect(c->fd, (void *)&a, sizeof a) < 0 && errno != EINPROGRESS) { perror("connect"); exit(2); }
  struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = c}; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev); c->st = S_CONNECTING;
}
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    #define A(s) (!strcmp(argv[i], s) && i + 1 < argc)
    if (A("--mode")) { i++; mode = !strcmp(argv[i], "ws") ? M_WS : !strcmp(argv[i], "mqtt") ? M_MQTT : M_SSE; }
    else if (A("--host")) host = argv[++i]; else if (A("--port")) port = atoi(argv[++i]); else if (A("--path")) path = argv[++i];
    else if (A("--topic")) topic = argv[++i]; else if (A("--conns")) nconn = atoi(argv[++i]); else if (A("--events")) nevents = atoll(argv[++i]);
    else if (A("--timeout")) timeout_s = atof(argv[++i]); else if (A("--idle")) idle_s = atof(argv[++i]); else if (A("--slow")) nslow = atoi(argv[++i]);
    else if (A("--slow-rcvbuf")) slow_rcvbuf = atoi(argv[++i]); else if (A("--hold-ms")) hold_ms = atoi(argv[++i]); else if (!strcmp(argv[i], "--deflate")) deflate = 1;
    else { fprintf(stderr, "unknown option %s\n", argv[i]); return 2; }
  }
  ep = epoll_create1(EPOLL_CLOEXEC); C = calloc(nconn, sizeof *C);
  for (int i = 0; i < nslow && i < nconn; i++) C[i].slow = 1;   // the FIRST --slow connections stop reading after READY
  int started = 0, announced = 0; int64_t t_start = now_ns(), t_ready = 0, deadline = t_start + (int64_t)(timeout_s * 1e9);
  static char buf[1 << 18]; struct epoll_event evs[1024]; struct rusage ru0, ru1; getrusage(RUSAGE_SELF, &ru0);
  char req[1024]; uint64_t nrecv = 0;
  if (mode == M_SSE) snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: text/event-stream\r\nConnection: keep-alive\r\n\r\n", path, host, port);
  else snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n", path, host, port,
                mode == M_MQTT ? "Sec-WebSocket-Protocol: mqtt\r\n" : "", deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "");
  const char *why = "complete"; int pending_max = 64;
  for (;;) {
    while (started < nconn && started - n_ready < pending_max) start_conn(&C[started++]);
    if (!announced && n_ready == nconn) {
      announced = 1; t_ready = now_ns(); deadline = t_ready + (int64_t)(timeout_s * 1e9);
      for (int i = 0; i < nslow; i++) epoll_ctl(ep, EPOLL_CTL_DEL, C[i].fd, 0);
      getrusage(RUSAGE_SELF, &ru0); printf("READY %d\n", n_ready); fflush(stdout);
    }
    int64_t t = now_ns();
    if (announced && nevents && n_done >= nconn - nslow) break;
    if (t > deadline) { why = announced ? "timeout" : "connect-timeout"; break; }
    if (announced && last_recv && t - last_recv > (int64_t)(idle_s * 1e9)) { why = "idle"; break; }
    if (n_closed >= nconn) { why = "all-closed"; break; }
    int n = epoll_wait(ep, evs, 1024, 100);
    for (int i = 0; i < n; i++) {
      Conn *c = evs[i].data.ptr;
      if (c->st == S_CLOSED) continue;
      if (c->st == S_CONNECTING) {
        int err = 0; socklen_t l = sizeof err; getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l); if (err) { fprintf(stderr, "connect: %s\n", strerror(err)); return 2; }
        xsend(c, req, strlen(req)); c->st = S_HDR; struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev); continue;
      }
      ssize_t r = recv(c->fd, buf, sizeof buf, 0); nrecv++;
      if (r > 0) { now_recv = now_ns(); feed(c, buf, r); }
      else if (r == 0 || (errno != EAGAIN && errno != EINTR)) conn_close(c);
    }
  }
  if (hold_ms) usleep(hold_ms * 1000);
  getrusage(RUSAGE_SELF, &ru1);
  uint64_t gaps = 0, ooo = 0, bytes = 0, undel = 0, emin = UINT64_MAX, emax = 0, miss_conns = 0, ev_fast = 0; int complete = 0;
  for (int i = 0; i < nconn; i++) { Conn *c = &C[i]; bytes += c->bytes; if (c->slow) continue; gaps += c->gaps; ooo += c->ooo; ev_fast += c->events;
    if (nevents && !n_compressed && c->next < nevents) undel += nevents - c->next; if (c->gaps || (nevents && !c->done)) miss_conns++; if (c->done) complete++;
    if (c->events < emin) emin = c->events; if (c->events > emax) emax = c->events; }
  double el = first_ts ? (last_recv - first_ts) / 1e9 : (last_recv - first_recv) / 1e9;
  #define TV(a) (a.tv_sec + a.tv_usec / 1e6)
  printf("{\"end\":\"%s\",\"conns\":%d,\"ready\":%d,\"slow\":%d,\"closed\":%d,\"complete_conns\":%d,\"events\":%llu,\"missed\":%llu,\"undelivered\":%llu,\"out_of_order\":%llu,\"conns_missing\":%llu,\"ev_min\":%llu,\"ev_max\":%llu,"
         "\"compressed\":%llu,\"bytes\":%llu,\"recv_calls\":%llu,\"elapsed_s\":%.6f,\"deliveries_per_s\":%.1f,"
         "\"lat_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},\"lat_due_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f},\"neg_lat\":%llu,"
         "\"connect_s\":%.4f,\"client_user_s\":%.4f,\"client_sys_s\":%.4f}\n",
         why, nconn, n_ready, nslow, n_closed, complete, (unsigned long long)ev_fast, (unsigned long long)gaps, (unsigned long long)undel, (unsigned long long)ooo, (unsigned long long)miss_conns,
         (unsigned long long)(emin == UINT64_MAX ? 0 : emin), (unsigned long long)emax, (unsigned long long)n_compressed, (unsigned long long)bytes, (unsigned long long)nrecv, el, el > 0 ? ev_fast / el : 0,
         hq(h_ts, .5) / 1e3, hq(h_ts, .9) / 1e3, hq(h_ts, .99) / 1e3, hq(h_ts, .999) / 1e3, max_ts / 1e3, hq(h_due, .5) / 1e3, hq(h_due, .9) / 1e3, hq(h_due, .99) / 1e3, max_due / 1e3, (unsigned long long)neg_ts,
         t_ready ? (t_ready - t_start) / 1e9 : -1, TV(ru1.ru_utime) - TV(ru0.ru_utime), TV(ru1.ru_stime) - TV(ru0.ru_stime));
  return 0;
}
