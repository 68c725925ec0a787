/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/host_options.h: options and migctl.conf keys of every command that
 * takes HOST words.  A program puts the struct first in its own and the rows
 * of host_options.def first in its own table:
 *
 *   #define OPTION MIG_HOST_OPTION
 *   #include "session/host_options.def"
 */
#pragma once

#include <stddef.h>

#include "base/options.h"
#include "pact/policy.h"
#include "session/decision.h"

struct mig_configured_host {
    char *name, *address;
};

struct mig_host_options {
    char *ca, *cert, *key, *crl;
    uint64_t timeout_ms, max_age_ms;
    bool allow_unsigned, require_complete;
    char *tolerate, *allow, *minimum, *policy;
    bool verbose, quiet;
    char *config;

    /* "host.NAME = ADDRESS" of the files read */
    struct {
        struct mig_configured_host *items;
        size_t len, cap;
    } hosts;
    /* after mig_host_options_parse() */
    struct mig_gather gather;
    struct mig_choice choice;
    struct mig_belief belief;
    struct mig_policy site;
    const char **allow_names;
};

#define MIG_HOST_OPTION(name, letter, kind, member, metavar, fallback, help)                       \
    {name,     letter, MIG_OPTION_##kind, offsetof(struct mig_host_options, member), metavar,      \
     fallback, help},

/* Row for --config, which no file may set. */
#define MIG_HOST_OPTION_CONFIG                                                                     \
    {                                                                                              \
        "config", 'c', MIG_OPTION_TEXT, offsetof(struct mig_host_options, config), "FILE", NULL,   \
            "read this instead of /etc/mig/migctl.conf and ~/.config/mig/migctl.conf"              \
    }

/* What mig_options_parse() leaves of a command line. */
struct mig_words {
    const char *const *operands;
    size_t operands_len;
    char **rest; /* behind "--"; ends with NULL */
    size_t rest_len;
};

/* Defaults, files, command line.  @target starts with a zeroed struct
 * mig_host_options.  The caller clears it in both cases. */
MIG_MUST_CHECK bool mig_host_options_parse(const struct mig_options *o, int argc, char **argv,
                                           struct mig_host_options *target, struct mig_words *ret,
                                           struct mig_error *err);

/* @o is the table that @target was parsed with. */
void mig_host_options_clear(const struct mig_options *o, struct mig_host_options *target);
