/* SPDX-License-Identifier: Apache-2.0 */
#include "support/player.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/check.h"

/* No divisor of any buffer, so that a piece lost or twice shows. */
#define PERIOD 65521u
#define PIECE (256u * 1024)

struct player {
    pthread_t thread;
    int fd;
    uint64_t seed, bytes, done;
    unsigned pause_us;
    bool wrong;
    unsigned char pattern[PERIOD + PIECE], got[PIECE];
};

static void await(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    (void)poll(&p, 1, -1);
}

static void *send_all(void *data)
{
    struct player *p = data;

    while (p->done < p->bytes) {
        uint64_t left = p->bytes - p->done;
        ssize_t put = write(p->fd, p->pattern + p->done % PERIOD, left < PIECE ? left : PIECE);

        if (put < 0 && errno == EAGAIN) {
            await(p->fd, POLLOUT);
        } else if (put < 0) {
            break;
        } else {
            p->done += (uint64_t)put;
        }
    }
    if (shutdown(p->fd, SHUT_WR) != 0 && errno == ENOTSOCK) {
        (void)close(p->fd);
    }
    return NULL;
}

static void *receive_all(void *data)
{
    struct player *p = data;
    ssize_t got;

    while ((got = read(p->fd, p->got, PIECE)) != 0) {
        if (got < 0 && errno == EAGAIN) {
            await(p->fd, POLLIN);
            continue;
        }
        if (got < 0) {
            break;
        }
        p->wrong |= memcmp(p->got, p->pattern + p->done % PERIOD, (size_t)got) != 0;
        p->done += (uint64_t)got;
        if (p->pause_us > 0) {
            (void)usleep(p->pause_us);
        }
    }
    return NULL;
}

static struct player *start(struct player *p, void *(*play)(void *))
{
    uint64_t x = p->seed * 2 + 1;

    for (size_t i = 0; i < sizeof p->pattern; i++) {
        x = i % PERIOD == 0 ? p->seed * 2 + 1
                            : x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        p->pattern[i] = (unsigned char)(x >> 56);
    }
    check_true("thread", pthread_create(&p->thread, NULL, play, p) == 0);
    return p;
}

struct player *player_sends(int fd, uint64_t seed, uint64_t bytes)
{
    struct player *p = MIG_NEW(struct player);

    p->fd = fd;
    p->seed = seed;
    p->bytes = bytes;
    return start(p, send_all);
}

struct player *player_receives(int fd, uint64_t seed, unsigned pause_us)
{
    struct player *p = MIG_NEW(struct player);

    p->fd = fd;
    p->seed = seed;
    p->pause_us = pause_us;
    return start(p, receive_all);
}

uint64_t player_end(struct player *p)
{
    uint64_t done;

    (void)pthread_join(p->thread, NULL);
    done = p->wrong ? UINT64_MAX : p->done;
    mig_free(p);
    return done;
}
