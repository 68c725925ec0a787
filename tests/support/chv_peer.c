/* SPDX-License-Identifier: Apache-2.0 */
#include "support/chv_peer.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOW_GPA 0x1000u
#define LOW_LEN 0x8000u
#define HIGH_GPA 0x20000u
#define HIGH_LEN 0x10000u

enum {
    START = 1,
    CONFIG,
    STATE,
    MEMORY,
    COMPLETE,
    ABANDON,
    MEMORY_FD,
    COMPLETE_PAUSED,
    PAGE_FAULT
};
enum { OK = 1, ERROR };

static _Noreturn void leave(enum chv_end end)
{
    _exit((int)end);
}

static unsigned char pattern(uint64_t gpa)
{
    return (unsigned char)(gpa * 31 + (gpa >> 12));
}

/* Where a guest address lies in one piece of memory with both slots. */
static uint64_t offset_of(uint64_t gpa)
{
    return gpa >= HIGH_GPA ? LOW_LEN + (gpa - HIGH_GPA) : gpa - LOW_GPA;
}

static bool read_all(int fd, void *bytes, size_t len)
{
    char *at = bytes;

    while (len > 0) {
        ssize_t got = read(fd, at, len);

        if (got <= 0) {
            return false;
        }
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static bool write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t put = send(fd, at, len, MSG_NOSIGNAL);

        if (put <= 0) {
            return false;
        }
        at += put;
        len -= (size_t)put;
    }
    return true;
}

/* Both kinds of head are two numbers. */
struct head {
    uint64_t kind, len;
};

static bool write_head(int fd, uint64_t kind, uint64_t len)
{
    struct head h = {kind, len};

    return write_all(fd, &h, sizeof h);
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        leave(CHV_LOST);
    }
    return fd;
}

/* The sender. */

struct sender {
    const struct chv_peer *peer;
    int fd, messages;
};

static void count(int *messages, const struct chv_peer *peer)
{
    if (*messages > 0 && *messages == peer->stop_after) {
        (void)raise(SIGSTOP);
    }
    if ((*messages)++ == peer->go_after) {
        leave(CHV_GONE);
    }
}

static void expect_ok(int fd)
{
    struct head h;

    if (!read_all(fd, &h, sizeof h)) {
        leave(CHV_LOST);
    }
    if (h.kind != OK || h.len != 0) {
        leave(h.kind == ERROR ? CHV_ERROR : CHV_WRONG);
    }
}

static void ask(struct sender *s, uint64_t command, const void *payload, size_t len)
{
    count(&s->messages, s->peer);
    if (!write_head(s->fd, command, len) || !write_all(s->fd, payload, len)) {
        leave(CHV_LOST);
    }
    expect_ok(s->fd);
}

/* Leaves in the middle when it is to leave. */
static void send_memory(struct sender *s, int fd, uint64_t gpa, uint64_t len)
{
    uint64_t table[2] = {gpa, len};
    unsigned char *bytes = malloc(len);

    count(&s->messages, s->peer);
    for (uint64_t i = 0; i < len; i++) {
        bytes[i] = pattern(gpa + i);
    }
    if (!write_head(fd, MEMORY, sizeof table) || !write_all(fd, table, sizeof table) ||
        !write_all(fd, bytes, len / 2)) {
        leave(CHV_LOST);
    }
    count(&s->messages, s->peer);
    if (!write_all(fd, bytes + len / 2, len - len / 2)) {
        leave(CHV_LOST);
    }
    free(bytes);
    expect_ok(fd);
}

static void send_slot(struct sender *s, uint32_t slot, uint64_t gpa, uint64_t len)
{
    int memory = memfd_create("slot", MFD_CLOEXEC);
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec io = {&slot, sizeof slot};
    struct msghdr message = {.msg_iov = &io,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    count(&s->messages, s->peer);
    for (uint64_t i = 0; i < len; i++) {
        unsigned char byte = pattern(gpa + i);

        if (pwrite(memory, &byte, 1, (off_t)i) != 1) {
            leave(CHV_WRONG);
        }
    }
    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(c), &memory, sizeof memory);
    if (!write_head(s->fd, MEMORY_FD, sizeof slot) ||
        sendmsg(s->fd, &message, MSG_NOSIGNAL) != sizeof slot) {
        leave(CHV_LOST);
    }
    expect_ok(s->fd);
}

static void serve_page(int fd)
{
    struct head h, page;
    unsigned char *bytes;

    if (!read_all(fd, &h, sizeof h)) {
        leave(CHV_DONE); /* drained */
    }
    if (h.kind != PAGE_FAULT || h.len != sizeof page || !read_all(fd, &page, sizeof page)) {
        leave(CHV_WRONG);
    }
    bytes = malloc(page.len);
    for (uint64_t i = 0; i < page.len; i++) {
        bytes[i] = pattern(page.kind + i);
    }
    if (!write_head(fd, OK, page.len) || !write_all(fd, bytes, page.len)) {
        leave(CHV_LOST);
    }
    free(bytes);
}

static int open_extra(const char *path, uint16_t role)
{
    int fd = open_socket(path);

    if (!write_all(fd, &role, sizeof role)) {
        leave(CHV_LOST);
    }
    return fd;
}

static void send_all_memory(struct sender *s, const char *path)
{
    int fds[8];

    for (unsigned i = 0; i < s->peer->connections; i++) {
        fds[i] = open_extra(path, 1);
    }
    for (uint64_t page = 0; page < CHV_MEMORY_BYTES / 0x1000; page++) {
        uint64_t gpa = page < 8 ? LOW_GPA + page * 0x1000 : HIGH_GPA + (page - 8) * 0x1000;
        unsigned lanes = s->peer->connections;

        send_memory(s, lanes > 0 ? fds[page % lanes] : s->fd, gpa, 0x1000);
    }
    for (unsigned i = 0; i < s->peer->connections; i++) {
        (void)close(fds[i]);
    }
}

enum chv_end chv_send(const char *path, const struct chv_peer *peer)
{
    struct sender s = {.peer = peer, .fd = open_socket(path)};
    int faults = -1;

    ask(&s, START, "", 0);
    if (peer->local) {
        send_slot(&s, 0, LOW_GPA, LOW_LEN);
        send_slot(&s, 1, HIGH_GPA, HIGH_LEN);
    }
    ask(&s, CONFIG, peer->config, strlen(peer->config));
    if (peer->postcopy) {
        faults = open_extra(path, 2);
    } else if (!peer->local) {
        send_all_memory(&s, path);
        send_memory(&s, s.fd, LOW_GPA, 0x1000);
    }
    ask(&s, STATE, peer->state, strlen(peer->state));
    ask(&s, peer->paused ? COMPLETE_PAUSED : COMPLETE, "", 0);
    while (peer->postcopy) {
        serve_page(faults);
    }
    return CHV_DONE;
}

/* The receiver. */

struct receiver {
    const struct chv_peer *peer;
    int listener, fd, extras[8], faults, messages;
    unsigned extras_len;
    unsigned char memory[CHV_MEMORY_BYTES];
    bool configured;
};

static void take_memory(struct receiver *r, int fd, uint64_t len)
{
    uint64_t table[2];

    if (len != sizeof table || !read_all(fd, table, sizeof table)) {
        leave(CHV_WRONG);
    }
    if (!read_all(fd, r->memory + offset_of(table[0]), table[1])) {
        leave(CHV_HUNG);
    }
}

static void take_slot(struct receiver *r)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    uint32_t slot;
    struct iovec io = {&slot, sizeof slot};
    struct msghdr message = {.msg_iov = &io,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    size_t at, len;
    int memory;

    if (recvmsg(r->fd, &message, 0) != sizeof slot || CMSG_FIRSTHDR(&message) == NULL) {
        leave(CHV_WRONG);
    }
    memcpy(&memory, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof memory);
    at = slot == 0 ? 0 : LOW_LEN;
    len = slot == 0 ? LOW_LEN : HIGH_LEN;
    if (pread(memory, r->memory + at, len, 0) != (ssize_t)len) {
        leave(CHV_WRONG);
    }
    (void)close(memory);
}

static void take_document(struct receiver *r, uint64_t len, const char *expected)
{
    char *text = malloc(len);

    if (len != strlen(expected) || !read_all(r->fd, text, len)) {
        leave(CHV_WRONG);
    }
    if (memcmp(text, expected, len) != 0) {
        leave(CHV_WRONG);
    }
    free(text);
}

static void fetch_pages(struct receiver *r)
{
    for (uint64_t page = 0; page < CHV_MEMORY_BYTES / 0x1000; page++) {
        uint64_t gpa = page < 8 ? LOW_GPA + page * 0x1000 : HIGH_GPA + (page - 8) * 0x1000;
        uint64_t range[2] = {gpa, 0x1000};
        struct head h;

        if (!write_head(r->faults, PAGE_FAULT, sizeof range) ||
            !write_all(r->faults, range, sizeof range) || !read_all(r->faults, &h, sizeof h) ||
            h.kind != OK || h.len != 0x1000 ||
            !read_all(r->faults, r->memory + offset_of(gpa), h.len)) {
            leave(CHV_WRONG);
        }
    }
    (void)close(r->faults);
}

static enum chv_end check_memory(const struct receiver *r)
{
    for (uint64_t i = 0; i < CHV_MEMORY_BYTES; i++) {
        uint64_t gpa = i < LOW_LEN ? LOW_GPA + i : HIGH_GPA + (i - LOW_LEN);

        if (r->memory[i] != pattern(gpa)) {
            return CHV_WRONG;
        }
    }
    return CHV_DONE;
}

static void accept_extra(struct receiver *r)
{
    int fd = accept(r->listener, NULL, NULL);
    uint16_t role;

    if (fd < 0 || !r->configured || !read_all(fd, &role, sizeof role)) {
        leave(CHV_WRONG);
    }
    if (role == 2) {
        r->faults = fd;
    } else if (r->extras_len < 8) {
        r->extras[r->extras_len++] = fd;
    }
}

/* A worker that fails ends, and the migration goes on. */
static void serve_extra(struct receiver *r, unsigned i)
{
    struct head h;
    bool good = read_all(r->extras[i], &h, sizeof h);

    if (good && h.kind != MEMORY) {
        leave(CHV_WRONG);
    }
    if (good) {
        take_memory(r, r->extras[i], h.len);
        good = write_head(r->extras[i], OK, 0);
    }
    if (!good) {
        (void)close(r->extras[i]);
        r->extras[i] = r->extras[--r->extras_len];
    }
}

/* Serve other connections until the main one has something. */
static void wait_for_main(struct receiver *r)
{
    for (;;) {
        struct pollfd polls[10] = {
            {r->fd,       POLLIN, 0},
            {r->listener, POLLIN, 0}
        };

        for (unsigned i = 0; i < r->extras_len; i++) {
            polls[2 + i] = (struct pollfd){r->extras[i], POLLIN, 0};
        }
        if (poll(polls, 2 + r->extras_len, -1) < 0) {
            leave(CHV_WRONG);
        }
        for (unsigned i = r->extras_len; i > 0; i--) {
            if (polls[1 + i].revents != 0) {
                serve_extra(r, i - 1);
            }
        }
        if (polls[1].revents != 0) {
            accept_extra(r);
        } else if (polls[0].revents != 0) {
            return;
        }
    }
}

/* False: the guest is here. */
static bool step(struct receiver *r, const struct head *h)
{
    switch (h->kind) {
    case START:
        return true;
    case CONFIG:
        take_document(r, h->len, r->peer->config);
        r->configured = true;
        return true;
    case MEMORY:
        take_memory(r, r->fd, h->len);
        return true;
    case MEMORY_FD:
        take_slot(r);
        return true;
    case STATE:
        take_document(r, h->len, r->peer->state);
        return true;
    case COMPLETE:
    case COMPLETE_PAUSED:
        return false;
    case ABANDON:
        leave(write_head(r->fd, OK, 0) ? CHV_ABORTED : CHV_HALF);
    default:
        leave(CHV_WRONG);
    }
}

enum chv_end chv_receive(int listener, const struct chv_peer *peer)
{
    static struct receiver r;
    bool more = true;

    r.peer = peer;
    r.listener = listener;
    r.fd = accept(listener, NULL, NULL);
    while (more) {
        struct head h;

        wait_for_main(&r);
        if (!read_all(r.fd, &h, sizeof h)) {
            leave(r.configured ? CHV_HALF : CHV_ABORTED);
        }
        count(&r.messages, peer);
        more = step(&r, &h);
        if (!write_head(r.fd, OK, 0)) {
            leave(CHV_HALF);
        }
    }
    if (peer->postcopy) {
        fetch_pages(&r);
    }
    return check_memory(&r);
}
