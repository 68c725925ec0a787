/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/chv_peer.h: sender and receiver of a migration as Cloud Hypervisor
 * v53 speaks, over unix sockets with blocking calls, written from the protocol
 * alone.  Each runs in a process of its own.
 */
#pragma once

#include <stdbool.h>

#define CHV_MEMORY_BYTES 0x18000 /* what support/chv.h gives the guest */

struct chv_peer {
    const char *config, *state; /* what the sender sends */
    bool local, paused, postcopy;
    unsigned connections; /* beside the main one */
    int go_after;         /* leave after so many messages; -1: never */
    int stop_after;       /* stop (SIGSTOP) after so many; 0: never */
};

/* How a peer ended: its exit status. */
enum chv_end {
    CHV_DONE,    /* all was answered; receiver: the guest runs here with its memory */
    CHV_ERROR,   /* sender: was answered with an error and keeps its guest */
    CHV_LOST,    /* sender: the connection closed; it keeps its guest */
    CHV_ABORTED, /* receiver: dropped what it had */
    CHV_HALF,    /* receiver: the connection closed and a half-made guest is left */
    CHV_HUNG,    /* receiver: waits for memory that will not come */
    CHV_WRONG,   /* the memory is not the sender's, or the protocol was broken */
    CHV_GONE,    /* left, as it was told */
};

enum chv_end chv_send(const char *path, const struct chv_peer *peer);
enum chv_end chv_receive(int listener, const struct chv_peer *peer);
