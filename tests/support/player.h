/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/player.h: one end of a stream, in a thread of its own: it sends bytes
 * that follow from a seed, or checks that such bytes come, until the end.
 */
#pragma once

#include <stdint.h>

struct player;

/* Send @bytes of @seed to @fd, then end: half of a socket is shut, a pipe is
 * closed. */
struct player *player_sends(int fd, uint64_t seed, uint64_t bytes);
/* Read @fd up to its end.  @pause_us between reads, a peer that is slow. */
struct player *player_receives(int fd, uint64_t seed, unsigned pause_us);

/* Wait; how many bytes went, all as they should be.  UINT64_MAX: they were not. */
uint64_t player_end(struct player *p);
