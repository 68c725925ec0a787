/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/chv_wire.h: the messages of a Cloud Hypervisor migration, both ways,
 * without I/O: bytes in, events out.  A request is a head of 16 bytes (command,
 * version, length), a payload, and for Memory the content that its payload is
 * a table of; an answer is a head, and for PageFault the content.  All of a
 * payload is there before it is told; content is told as it comes.
 */
#pragma once

#include "gate/chv_ram.h"

#define MIG_CHV_HEAD_BYTES 16
#define MIG_CHV_ROLE_BYTES 2
#define MIG_CHV_VERSION 0u
#define MIG_CHV_CONFIG_MAX (16u << 20)
#define MIG_CHV_STATE_MAX (1u << 30)
#define MIG_CHV_FAULT_MAX (1u << 30)
#define MIG_CHV_CONNECTIONS_MAX 128 /* beside the main one */

/* What a connection is for; the main one does not say so. */
enum mig_chv_role { MIG_CHV_MAIN, MIG_CHV_MEMORY_ONLY, MIG_CHV_FAULTS, MIG_CHV_ROLE_COUNT };

enum mig_chv_command {
#define COMMAND(id, number, name, min, max, unit, where) MIG_CHV_##id = (number),
#include "gate/chv_command.def"
    MIG_CHV_COMMAND_COUNT
};

enum mig_chv_status { MIG_CHV_STATUS_INVALID, MIG_CHV_OK, MIG_CHV_ERROR };

enum mig_chv_event {
    MIG_CHV_MORE,    /* nothing yet; all bytes are used */
    MIG_CHV_ROLE,    /* .role */
    MIG_CHV_MESSAGE, /* .command or .status, .payload */
    MIG_CHV_CONTENT, /* the bytes just used are content */
    MIG_CHV_BAD,     /* not to be read on */
};

/* One direction of one connection.  What is said of the messages to come may
 * be changed between two of them. */
struct mig_chv_reader {
    bool answers;           /* else requests */
    enum mig_chv_role role; /* an extra connection says its own first */
    unsigned commands;      /* bit set of those that may come */
    uint64_t state_max;     /* for State; no more than MIG_CHV_STATE_MAX */
    uint64_t content_due;   /* answers: what was asked for, 0: no content */
    const struct mig_chv_ram *ram;

    bool has_role; /* from here on the reader's own */
    unsigned char head[MIG_CHV_HEAD_BYTES];
    size_t head_len;
    enum mig_chv_command command;
    enum mig_chv_status status;
    unsigned char *payload; /* valid until the next call, unless it is stolen */
    size_t payload_len, payload_cap, payload_due;
    uint64_t content_left;
};

static inline unsigned mig_chv_bit(enum mig_chv_command command)
{
    return 1u << command;
}

/* Take what makes the next event from @bytes; @ret_used says how many. */
enum mig_chv_event mig_chv_reader_next(struct mig_chv_reader *r, const unsigned char *bytes,
                                       size_t len, size_t *ret_used, struct mig_error *err);

/* The caller frees; NULL for an empty one. */
unsigned char *mig_chv_reader_steal(struct mig_chv_reader *r, size_t *ret_len);

/* Nothing of a message is under way: the end of the stream would cut none. */
bool mig_chv_reader_is_between(const struct mig_chv_reader *r);
void mig_chv_reader_clear(struct mig_chv_reader *r);

void mig_chv_request_put(enum mig_chv_command command, uint64_t len,
                         unsigned char ret[MIG_CHV_HEAD_BYTES]);
void mig_chv_answer_put(enum mig_chv_status status, uint64_t len,
                        unsigned char ret[MIG_CHV_HEAD_BYTES]);
void mig_chv_role_put(enum mig_chv_role role, unsigned char ret[MIG_CHV_ROLE_BYTES]);

const char *mig_chv_command_name(enum mig_chv_command command);
