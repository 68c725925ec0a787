/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/qemu_head.h: the head of a QEMU migration stream, all that comes before
 * the first byte of memory: who is moving, in which machine, with which blocks.
 * Bytes in, facts out; no I/O.  The head keeps what it took, so that a gate
 * can hold it back and hand it on unchanged.
 *
 * What can not be read is refused, never skipped: behind something unknown
 * there could be memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define MIG_QEMU_HEAD_MAX (1u << 20)
#define MIG_QEMU_BLOCKS_MAX 2048
#define MIG_QEMU_CAPABILITIES_MAX 64
/* QEMU writes the length of a name in one byte; longer machine types do not exist. */
#define MIG_QEMU_NAME 256
#define MIG_QEMU_UUID 16

struct mig_qemu_name {
    char text[MIG_QEMU_NAME];
};

struct mig_qemu_block {
    char name[MIG_QEMU_NAME]; /* "pc.ram" */
    uint64_t bytes;
    uint64_t page_bytes; /* of huge pages under postcopy; 0 = not told */
    uint64_t address;    /* in the guest, told with x-ignore-shared alone */
    bool has_address;
};

/* Capabilities of QEMU that the head shows by a command, not by name. */
enum mig_qemu_command {
    MIG_QEMU_RETURN_PATH = 1u << 0,
    MIG_QEMU_POSTCOPY_RAM = 1u << 1,
    MIG_QEMU_DIRTY_BITMAPS = 1u << 2,
    MIG_QEMU_COLO = 1u << 3,
};

struct mig_qemu_stream {
    char machine[MIG_QEMU_NAME]; /* "pc-i440fx-7.2" */
    bool has_uuid;
    unsigned char uuid[MIG_QEMU_UUID];
    uint32_t page_bits; /* of the target; 0 = not told */
    struct {
        struct mig_qemu_name *items;
        size_t len, cap;
    } capabilities; /* that both ends must have alike, "x-ignore-shared" */
    unsigned commands;
    uint64_t page_sizes; /* sum of the blocks' page sizes, with POSTCOPY_RAM */
    uint64_t target_page_bytes;
    uint32_t ping;    /* 0 = none */
    uint32_t section; /* id of RAM's section in the rest of the stream */
    uint64_t ram_bytes;
    struct {
        struct mig_qemu_block *items;
        size_t len, cap;
    } blocks;
    bool multifd_flush; /* pages come over other channels */
    size_t head_bytes;
};

struct mig_qemu_head;

enum mig_qemu_state { MIG_QEMU_NEEDS_MORE, MIG_QEMU_DONE, MIG_QEMU_REFUSED };

struct mig_qemu_head *mig_qemu_head_new(void);

/* Take from @bytes what belongs to the head; @ret_used of them, at DONE not one
 * more.  REFUSED: @err names the field, its offset and what was expected; so
 * does every later call. */
enum mig_qemu_state mig_qemu_head_feed(struct mig_qemu_head *h, const unsigned char *bytes,
                                       size_t len, size_t *ret_used, struct mig_error *err);

/* The stream ended before the head did: say where; always false. */
bool mig_qemu_head_ended(const struct mig_qemu_head *h, struct mig_error *err);

/* Both belong to @h.  The stream is there once the head is DONE. */
const struct mig_qemu_stream *mig_qemu_head_stream(const struct mig_qemu_head *h);
const unsigned char *mig_qemu_head_bytes(const struct mig_qemu_head *h, size_t *ret_len);

void mig_qemu_head_free(struct mig_qemu_head *h);
MIG_AUTO_DEFINE(mig_qemu_head_free, struct mig_qemu_head *);
