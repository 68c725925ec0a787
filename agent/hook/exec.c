/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "hook.h"
#include "session/host_options.h"
#include "session/move.h"
#include "session/report_text.h"

/* As a shell reports a command that is not there, or is no program. */
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_ON_PROFILE 3

struct gate {
    struct mig_host_options host; /* first: migctl.conf fills it */
    bool on_profile, via_source, help;
    char *profile_digest, *vm, *instance, *agent;
};

#define ROW(name, letter, kind, member, metavar, fallback, help)                                   \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct gate, member), metavar, fallback, help    \
    }

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    ROW("on-profile", 0, FLAG, on_profile, NULL, NULL,
        "the guest was booted on the common profile: say yes to compatible-on-profile"),
    ROW("profile-digest", 0, TEXT, profile_digest, "HEX", NULL,
        "with --on-profile: the profile it was booted on; another one is refused"),
    ROW("vm", 0, TEXT, vm, "VM", NULL,
        "the guest that moves: by an agreement on its contract, then only DST is named"),
    ROW("instance", 0, TEXT, instance, "ID", NULL, "with --vm: this power-on of it and no other"),
    ROW("agent", 0, TEXT, agent, "ADDRESS", HOOK_AGENT,
        "with --vm: agent of this host, over its unix socket"),
    ROW("via-source", 0, FLAG, via_source, NULL, NULL, "reach only SRC; its agent asks DST's"),
    ROW("help", 'h', FLAG, help, NULL, NULL, "this text"),
};
static const struct mig_options options = {rows, sizeof rows / sizeof *rows};

static bool check(struct gate *g, const struct mig_words *words, struct mig_error *err)
{
    uint64_t unused;
    size_t len = g->profile_digest != NULL ? strlen(g->profile_digest) : 0;

    if (words->operands_len != (g->vm != NULL ? 1 : 2) || words->rest_len == 0) {
        return mig_fail(err, MIG_USAGE,
                        g->vm != NULL
                            ? "usage: mig-hook exec --vm VM [options] DST -- COMMAND [ARGUMENT...]"
                            : "usage: mig-hook exec [options] SRC DST -- COMMAND [ARGUMENT...]");
    }
    if (g->profile_digest == NULL) {
        return true;
    }
    if (!g->on_profile) {
        return mig_fail(err, MIG_USAGE, "--profile-digest needs --on-profile");
    }
    for (size_t i = 0; i < len; i++) {
        if (!mig_text_digits(&g->profile_digest[i], 1, 16, 15, &unused)) {
            len = 0;
        }
    }
    return len == (size_t)MIG_DIGEST_BYTES * 2 ||
           mig_fail(err, MIG_USAGE, "profile-digest: expected %d hex digits", MIG_DIGEST_BYTES * 2);
}

/* The operator's word counts for one profile: the one that these hosts share
 * now, or the very one that was named. */
static bool vouched(const struct gate *g, const struct mig_profile *p)
{
    char digest[2 * MIG_DIGEST_BYTES + 1];

    if (!g->on_profile || p == NULL) {
        return false;
    }
    mig_text_hex(p->digest, sizeof p->digest, digest);
    if (g->profile_digest != NULL && strcasecmp(g->profile_digest, digest) != 0) {
        (void)fprintf(stderr, "mig-hook: the hosts share profile %s, not %s\n", digest,
                      g->profile_digest);
        return false;
    }
    (void)fprintf(stderr, "mig-hook: taken on trust: the guest was booted on profile %s\n", digest);
    return true;
}

/* 0 = yes. */
static int decide(const struct gate *g, const struct mig_result *r)
{
    switch (r->verdict) {
    case MIG_COMPATIBLE:
    case MIG_COMPATIBLE_MASKED:
        return 0;
    case MIG_COMPATIBLE_ON_PROFILE:
        return vouched(g, r->profile) ? 0 : EXIT_ON_PROFILE;
    case MIG_NEEDS_POWER_CYCLE:
    case MIG_INCOMPATIBLE:
    case MIG_UNKNOWN:
    case MIG_VERDICT_COUNT:
        break;
    }
    return mig_verdict_exit_status(r->verdict);
}

static int judge(struct gate *g, const struct mig_words *words)
{
    MIG_AUTO(mig_decision_clear) struct mig_decision d = {0};
    const struct mig_report report = {.out = stderr, .verbose = g->host.verbose, .pair = true};
    struct mig_error err;
    int status;

    g->host.gather.via_first = g->via_source;
    g->host.choice.require_complete = true;
    g->host.belief.live_only = true;
    if (!mig_decision_make(&g->host.gather, &g->host.choice, &g->host.belief, words->operands, 2,
                           true, &d, &err)) {
        return hook_fail(&err);
    }
    status = decide(g, &d.result);
    if ((status != 0 || g->host.verbose) && !g->host.quiet) {
        mig_report_text(&report, &d);
    }
    return status;
}

/* A file without a name that the command inherits: nothing is left to clean up. */
static bool hand_over(const char *variable, const struct mig_bytes *b, struct mig_error *err)
{
    int fd = memfd_create(variable, 0);
    char path[64];

    if (fd < 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "memfd_create");
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return mig_fd_write(fd, variable, b->items, b->len, err) &&
           (setenv(variable, path, 1) == 0 || mig_fail_errno(err, MIG_INTERNAL, "%s", variable));
}

/* Both hosts' word on this guest, used up with the command's start. */
static bool agree(const struct gate *g, const char *destination, struct mig_error *err)
{
    const struct mig_move_wish wish = {
        .vm = g->vm, .instance = g->instance, .destination = destination};
    MIG_AUTO(mig_move_clear) struct mig_move move = {0};

    return mig_move_agree(&g->host.gather, g->agent, &wish, &move, err) &&
           mig_move_advance(&g->host.gather, g->agent, MIG_STEP_APPROVE, &move, NULL, err) &&
           hand_over("MIG_AGREEMENT", &move.agreement, err) &&
           hand_over("MIG_CONTRACT", &move.contract, err);
}

static int judge_guest(const struct gate *g, const struct mig_words *words)
{
    struct mig_error err;

    return agree(g, words->operands[0], &err) ? 0 : hook_fail(&err);
}

/* We are the command from here on: its exit status is ours. */
static int become(char **command)
{
    int missing;

    (void)signal(SIGPIPE, SIG_DFL);
    (void)execvp(command[0], command);
    missing = errno == ENOENT;
    (void)fprintf(stderr, "mig-hook: %s: %s\n", command[0], strerror(errno));
    return missing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int exec_run(int argc, char **argv)
{
    struct gate g = {0};
    struct mig_words words;
    struct mig_error err;
    int status;

    if (hook_helps(argc, argv, &options)) {
        return 0;
    }
    if (mig_host_options_parse(&options, argc, argv, &g.host, &words, &err) &&
        check(&g, &words, &err)) {
        mig_log_init("mig-hook", g.host.verbose ? MIG_LOG_INFO : MIG_LOG_WARN);
        status = g.vm != NULL ? judge_guest(&g, &words) : judge(&g, &words);
    } else {
        status = hook_fail(&err);
    }
    mig_host_options_clear(&options, &g.host);
    return status == 0 ? become(words.rest) : status;
}
