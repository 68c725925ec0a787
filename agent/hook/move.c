/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "agree" and "advance": a move by hand, for a VMM that has no gate of its own.
 */
#include "session/move.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/now.h"
#include "base/text.h"
#include "hook.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/host_options.h"

struct move {
    struct mig_host_options host; /* first: migctl.conf fills it */
    char *agent, *instance, *data_path, *contract, *output;
    bool help;
};

#define ROW(name, letter, kind, member, metavar, fallback, help)                                   \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct move, member), metavar, fallback, help    \
    }
#define ROW_AGENT                                                                                  \
    ROW("agent", 0, TEXT, agent, "ADDRESS", HOOK_AGENT, "agent of this host, over its unix socket")
#define ROW_HELP ROW("help", 'h', FLAG, help, NULL, NULL, "this text")

static const struct mig_option agree_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    ROW_AGENT,
    ROW("instance", 0, TEXT, instance, "ID", NULL, "this power-on of it and no other"),
    ROW("data-path", 0, TEXT, data_path, "PATH", "tunnel",
        "how its memory will travel: tunnel, vmm-tls or local"),
    ROW("contract", 0, TEXT, contract, "FILE", NULL, "write the guest's contract here"),
    ROW("output", 'o', TEXT, output, "FILE", "-", "write the agreement here"),
    ROW_HELP,
};
static const struct mig_options agree_options = {agree_rows,
                                                 sizeof agree_rows / sizeof *agree_rows};

static const struct mig_option advance_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    ROW_AGENT,
    ROW("contract", 0, TEXT, contract, "FILE", NULL,
        "the guest's contract: of the agreement for approve, of complete for depart"),
    ROW("output", 'o', TEXT, output, "FILE", NULL,
        "complete: write the contract as this host signed it here"),
    ROW_HELP,
};
static const struct mig_options advance_options = {advance_rows,
                                                   sizeof advance_rows / sizeof *advance_rows};

static bool write_sealed(const char *path, const struct mig_bytes *b, struct mig_error *err)
{
    return path == NULL || mig_file_write(path, b->items, b->len, 0600, err);
}

/* What was agreed on, for whoever reads the log of a migration. */
static void tell(const struct mig_agreement *a)
{
    char id[2 * MIG_DIGEST_BYTES + 1];

    mig_text_hex(a->id, sizeof a->id, id);
    (void)fprintf(stderr, "mig-hook: agreement %.12s: %s instance %s from %s to %s, by %s\n", id,
                  a->vm, a->instance, a->source.host, a->destination.host,
                  mig_data_path_name(a->data_path));
}

static bool open_trust(const struct mig_host_options *o, struct mig_trust **ret,
                       struct mig_error *err)
{
    return o->ca != NULL ? mig_trust_load(o->ca, o->crl, ret, err)
                         : mig_fail(err, MIG_USAGE, "--ca is needed, here or in migctl.conf");
}

static bool agree(struct move *m, const struct mig_words *words, struct mig_error *err)
{
    struct mig_move_wish wish = {.instance = m->instance};
    MIG_AUTO(mig_move_clear) struct mig_move move = {0};
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    struct mig_agreement a;

    if (words->operands_len != 2 || words->rest_len != 0) {
        return mig_fail(err, MIG_USAGE, "usage: mig-hook agree [options] VM DST");
    }
    wish.vm = words->operands[0];
    wish.destination = words->operands[1];
    if (!mig_data_path_parse(m->data_path, &wish.data_path, err) ||
        !open_trust(&m->host, &trust, err) ||
        !mig_move_agree(&m->host.gather, m->agent, &wish, &move, err) ||
        !mig_agreement_open(trust, &move.agreement, mig_now_unix(), &a, err) ||
        !write_sealed(m->contract, &move.contract, err) ||
        !write_sealed(m->output, &move.agreement, err)) {
        return false;
    }
    if (!m->host.quiet) {
        tell(&a);
    }
    return true;
}

static bool advance(struct move *m, const struct mig_words *words, struct mig_error *err)
{
    MIG_AUTO(mig_move_clear) struct mig_move move = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes got = {0};
    enum mig_step step;

    if (words->operands_len != 2 || words->rest_len != 0) {
        return mig_fail(err, MIG_USAGE, "usage: mig-hook advance [options] STEP AGREEMENT");
    }
    if (!mig_step_parse(words->operands[0], &step)) {
        return mig_fail(err, MIG_USAGE,
                        "step '%s': expected approve, switch, complete, depart or abandon",
                        words->operands[0]);
    }
    if (!mig_file_read(words->operands[1], MIG_SEALED_MAX, &move.agreement, err) ||
        (m->contract != NULL && !mig_file_read(m->contract, MIG_SEALED_MAX, &move.contract, err))) {
        return false;
    }
    return mig_move_advance(&m->host.gather, m->agent, step, &move, &got, err) &&
           (step != MIG_STEP_COMPLETE || write_sealed(m->output, &got, err));
}

typedef bool act_fn(struct move *m, const struct mig_words *words, struct mig_error *err);

static int run(int argc, char **argv, const struct mig_options *o, act_fn *act)
{
    struct move m = {0};
    struct mig_words words;
    struct mig_error err;
    int status = 0;

    if (hook_helps(argc, argv, o)) {
        return 0;
    }
    if (!mig_host_options_parse(o, argc, argv, &m.host, &words, &err)) {
        status = hook_fail(&err);
    } else {
        mig_log_init("mig-hook", m.host.verbose ? MIG_LOG_INFO : MIG_LOG_WARN);
        status = act(&m, &words, &err) ? 0 : hook_fail(&err);
    }
    mig_host_options_clear(o, &m.host);
    return status;
}

int agree_run(int argc, char **argv)
{
    return run(argc, argv, &agree_options, agree);
}

int advance_run(int argc, char **argv)
{
    return run(argc, argv, &advance_options, advance);
}
