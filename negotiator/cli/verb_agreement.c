/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "command.h"
#include "pact/agreement.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/page.h"
#include "verb.h"

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_OUTPUT,
    COMMAND_HELP,
};

/* Both signatures are good; its time is not looked at. */
static bool read_agreement(struct command *c, struct mig_agreement *ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    const char *path = c->words.operands[0];

    if (!mig_gather_load_trust(&c->host.gather, &trust, err)) {
        return false;
    }
    if (trust == NULL) {
        return mig_fail(err, MIG_USAGE,
                        "only the fleet's CA can say who signed an agreement: give --ca or set ca "
                        "in migctl.conf");
    }
    return mig_file_read(path, MIG_SEALED_MAX, &sealed, err) &&
           (mig_agreement_open_ever(trust, &sealed, ret, err) || mig_wrap(err, "%s", path));
}

static void print_party(const char *which, const struct mig_pledge *p)
{
    char evidence[2 * MIG_DIGEST_BYTES + 1], capability[2 * MIG_DIGEST_BYTES + 1];

    mig_text_hex(p->evidence, sizeof p->evidence, evidence);
    mig_text_hex(p->capability, sizeof p->capability, capability);
    (void)printf("%-12s %s, evidence %.12s, capability %.12s\n", which, p->host, evidence,
                 capability);
}

static void print_time(const struct mig_agreement *a)
{
    int64_t now = mig_now_unix();
    struct mig_error err;

    if (mig_agreement_check_time(a, now, &err)) {
        (void)printf("%-12s holds for another %lld seconds\n", "time",
                     (long long)(a->expires_at - now));
    } else {
        (void)printf("%-12s %s\n", "time", err.msg);
    }
}

static void print(const struct mig_agreement *a)
{
    char id[2 * MIG_DIGEST_BYTES + 1], contract[2 * MIG_DIGEST_BYTES + 1];

    mig_text_hex(a->id, sizeof a->id, id);
    mig_text_hex(a->contract, sizeof a->contract, contract);
    (void)printf("%-12s %s\n", "agreement", id);
    (void)printf("%-12s %s instance %s, contract %.12s\n", "guest", a->vm, a->instance, contract);
    print_party("source", &a->source);
    print_party("destination", &a->destination);
    (void)printf("%-12s %s\n", "data path", mig_data_path_name(a->data_path));
    print_time(a);
}

static int show(struct command *c)
{
    struct mig_agreement a;
    struct mig_error err;

    if (!read_agreement(c, &a, &err)) {
        return verb_fail(&err);
    }
    if (c->json && !c->host.quiet) {
        MIG_AUTO(mig_free) char *json = mig_agreement_to_json(&a);

        command_print(c, json_loads(json, JSON_REJECT_DUPLICATES, NULL));
    } else if (!c->host.quiet) {
        print(&a);
    }
    return 0;
}

static int verify(struct command *c)
{
    struct mig_agreement a;
    struct mig_error err;

    if (!read_agreement(c, &a, &err) || !mig_agreement_check_time(&a, mig_now_unix(), &err)) {
        return verb_fail(&err);
    }
    if (!c->host.quiet) {
        (void)printf("%s: good signatures of agents '%s' and '%s'\n\n", c->words.operands[0],
                     a.source.host, a.destination.host);
        print(&a);
    }
    return 0;
}

static const struct command_noun nouns[] = {
    {"show",
     show,   {{rows, MIG_COUNT(rows)},
      "agreement show [options] FILE",
      "Which guest may move from where to where, by the word of both hosts' agents.",
      1,
      1,
      false}  },
    {"verify",
     verify, {{rows, MIG_COUNT(rows)},
      "agreement verify [options] FILE",
      "Check both signatures of an agreement, and that it has not expired.  Whether it was used\n"
      "already only its hosts know.",
      1,
      1,
      false}},
};

static int run(int argc, char **argv)
{
    return command_run_noun(nouns, MIG_COUNT(nouns), "usage: migctl agreement show|verify ...",
                            argc, argv);
}

const struct verb verb_agreement = {"agreement", "what two hosts agreed on for a move", run};
