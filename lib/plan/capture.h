/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/capture.h: what one VMM can do to migrate a guest, and what it says of
 * the guest that it has.  As JSON ("MigrationCapabilities") it can be kept.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct mig_capture_machine {
    char *name, *alias; /* alias may be NULL */
    bool deprecated;
};

struct mig_capture_switch {
    char *name;
    bool on;
};

struct mig_capture_texts {
    char **items;
    size_t len, cap;
};

/* Zero-initialised is empty. */
struct mig_capture {
    char *version; /* "7.2.22 (Debian ...)" */
    char *target;  /* "x86_64" */
    char *status;  /* "running", "inmigrate", "prelaunch" ... */
    char *machine; /* "pc-q35-7.2"; NULL: no guest (-machine none) */
    char *uuid;    /* NULL: it has none */
    uint64_t ram_bytes;
    bool has_dirty; /* dirty_bytes_s was measured */
    uint64_t dirty_bytes_s;
    struct {
        struct mig_capture_machine *items;
        size_t len, cap;
    } machines;
    struct {
        struct mig_capture_switch *items;
        size_t len, cap;
    } capabilities;
    json_t *parameters; /* an object of numbers, texts, booleans */
    struct mig_capture_texts compressions;
    bool tells_blocked; /* else it is too old to tell */
    struct mig_capture_texts blocked;
};

void mig_capture_clear(struct mig_capture *c);
static inline void mig_capture_clear_auto(struct mig_capture *c)
{
    mig_capture_clear(c);
}

/* NULL when it knows none of this name; an alias counts as a machine's name. */
const struct mig_capture_machine *mig_capture_machine(const struct mig_capture *c,
                                                      const char *name);
const struct mig_capture_switch *mig_capture_switch(const struct mig_capture *c, const char *name);
bool mig_capture_has_text(const struct mig_capture_texts *list, const char *text);
/* A parameter that is a number not below 0, or @fallback. */
uint64_t mig_capture_number(const struct mig_capture *c, const char *parameter, uint64_t fallback);

json_t *mig_capture_to_json(const struct mig_capture *c);
/* Strict; messages name the field. */
MIG_MUST_CHECK bool mig_capture_from_json(const char *text, size_t len, struct mig_capture *ret,
                                          struct mig_error *err);
