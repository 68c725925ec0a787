/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/options.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/options.h"
#include "pact/audit.h"
#include "pact/ledger.h"
#include "pact/policy.h"
#include "pact/store.h"

#define MAX_PEERS_LIMIT 4096
#define CAPTURE_TIMEOUT_MIN_MS 50
#define CAPTURE_TIMEOUT_MAX_MS 60000

#define ROW(name, letter, kind, member, metavar, fallback, help)                                   \
    {name,     letter, MIG_OPTION_##kind, offsetof(struct mig_agent_options, member), metavar,     \
     fallback, help},

static const struct mig_option rows[] = {
#define SETTING ROW
#define SWITCH ROW
#include "agent/options.def"
};

enum {
#define SETTING(...) +1
#define SWITCH(...)
    SETTINGS = 0
#include "agent/options.def"
};

/* Settings stand first: a file may set only those. */
static const struct mig_options settings = {rows, SETTINGS};
static const struct mig_options all = {rows, sizeof rows / sizeof *rows};

static bool parse_line(int argc, char **argv, struct mig_agent_options *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *copy = mig_memdup(argv, ((size_t)argc + 1) * sizeof *argv);
    char **words = (char **)(void *)copy;
    int operands, rest;

    if (!mig_options_parse(&all, argc, words, ret, &operands, &rest, err)) {
        return false;
    }
    if (operands > 1 || rest < argc) {
        return mig_fail(err, MIG_USAGE, "unexpected argument '%s'",
                        operands > 1 ? words[2] : words[rest]);
    }
    if (operands == 1 && strcmp(words[1], "snapshot") != 0) {
        return mig_fail(err, MIG_USAGE, "unknown command '%s', expected 'snapshot' or none",
                        words[1]);
    }
    ret->command = operands == 1 ? MIG_AGENT_SNAPSHOT : MIG_AGENT_SERVE;
    return true;
}

static bool check(const struct mig_agent_options *o, struct mig_error *err)
{
    if (o->max_peers == 0 || o->max_peers > MAX_PEERS_LIMIT) {
        return mig_fail(err, MIG_USAGE, "max-peers: expected 1 to %d", MAX_PEERS_LIMIT);
    }
    if (o->capture_timeout_ms < CAPTURE_TIMEOUT_MIN_MS ||
        o->capture_timeout_ms > CAPTURE_TIMEOUT_MAX_MS) {
        return mig_fail(err, MIG_USAGE, "capture-timeout: expected %dms to %ds",
                        CAPTURE_TIMEOUT_MIN_MS, CAPTURE_TIMEOUT_MAX_MS / 1000);
    }
    if (o->prove_timeout_ms < CAPTURE_TIMEOUT_MIN_MS ||
        o->prove_timeout_ms > CAPTURE_TIMEOUT_MAX_MS) {
        return mig_fail(err, MIG_USAGE, "prove-timeout: expected %dms to %ds",
                        CAPTURE_TIMEOUT_MIN_MS, CAPTURE_TIMEOUT_MAX_MS / 1000);
    }
    if (o->ready_fd > 1023) {
        return mig_fail(err, MIG_USAGE, "ready-fd: expected a descriptor below 1024");
    }
    if (o->json && o->command != MIG_AGENT_SNAPSHOT) {
        return mig_fail(err, MIG_USAGE, "--json goes with 'snapshot'");
    }
    return true;
}

static void add_default_address(struct mig_agent_options *o)
{
    if (o->listen == NULL) {
        o->listen = mig_strdup(MIG_AGENT_LISTEN);
    }
}

bool mig_agent_options_parse(int argc, char **argv, struct mig_agent_options *ret,
                             struct mig_error *err)
{
    struct mig_agent_options first = {0};
    const char *path = MIG_AGENT_CONFIG;
    bool good;

    *ret = (struct mig_agent_options){0};
    mig_options_init(&all, &first);
    if (!parse_line(argc, argv, &first, err)) {
        mig_agent_options_clear(&first);
        return false;
    }
    /* Once more, above what the file says. */
    mig_options_init(&all, ret);
    path = first.config != NULL ? first.config : path;
    good = ((first.config == NULL && access(path, F_OK) != 0) || first.help || first.version ||
            mig_options_load(&settings, path, NULL, ret, err)) &&
           parse_line(argc, argv, ret, err) && check(ret, err);
    mig_agent_options_clear(&first);
    add_default_address(ret);
    return good;
}

void mig_agent_options_help(FILE *out)
{
    (void)fputs("usage: mig-agentd [OPTION]...           serve this host's evidence\n"
                "       mig-agentd [OPTION]... snapshot  capture once and write a snapshot\n\n",
                out);
    mig_options_help(&all, out);
}

void mig_agent_options_dump(const struct mig_agent_options *o, FILE *out)
{
    mig_options_dump(&settings, o, out);
}

void mig_agent_options_clear(struct mig_agent_options *o)
{
    mig_options_clear(&all, o);
}
