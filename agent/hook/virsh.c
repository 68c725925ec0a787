/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: libvirt has no hook at the source before a migration, so
 * it is run by us, between what is to be said to the agents.
 *
 *   agree, approve (this host's agent)
 *   virsh migrate ...            the destination's hook approves there
 *   it did:    complete (the destination's agent), depart (ours)
 *   it did not: abandon at both
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "hook.h"
#include "session/host_options.h"
#include "session/move.h"

#define EXIT_NOT_STARTED 127
#define EXIT_BY_SIGNAL 128

struct virsh {
    struct mig_host_options host; /* first: migctl.conf fills it */
    char *agent, *instance, *data_path;
    bool help;

    const char *vm, *destination;
    struct mig_move move;
};

#define ROW(name, letter, kind, member, metavar, fallback, help)                                   \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct virsh, member), metavar, fallback, help   \
    }

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    ROW("agent", 0, TEXT, agent, "ADDRESS", HOOK_AGENT, "agent of this host, over its unix socket"),
    ROW("instance", 0, TEXT, instance, "ID", NULL, "this power-on of it and no other"),
    ROW("data-path", 0, TEXT, data_path, "PATH", "vmm-tls",
        "how COMMAND lets its memory travel: tunnel, vmm-tls or local"),
    ROW("help", 'h', FLAG, help, NULL, NULL, "this text"),
};
static const struct mig_options options = {rows, sizeof rows / sizeof *rows};

/* ---- the command ---- */

static void fill(sigset_t *ret)
{
    static const int signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};

    (void)sigemptyset(ret);
    for (size_t i = 0; i < MIG_COUNT(signals); i++) {
        (void)sigaddset(ret, signals[i]);
    }
}

static void become(char **command, const sigset_t *before)
{
    (void)sigprocmask(SIG_SETMASK, before, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)execvp(command[0], command);
    (void)fprintf(stderr, "mig-hook: %s: %s\n", command[0], strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

/* Whoever ends us ends the command; then its end is told to the agents.  An
 * interrupt from a terminal has reached it already. */
static int wait_for(pid_t child, const sigset_t *signals)
{
    int status = 0, got;

    while (waitpid(child, &status, WNOHANG) == 0) {
        if (sigwait(signals, &got) == 0 && (got == SIGTERM || got == SIGHUP)) {
            (void)kill(child, got);
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BY_SIGNAL + WTERMSIG(status);
}

static int run_command(char **command)
{
    sigset_t signals, before;
    pid_t child;
    int status;

    fill(&signals);
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    child = fork();
    if (child == 0) {
        become(command, &before);
    }
    status = child > 0 ? wait_for(child, &signals) : EXIT_NOT_STARTED;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* ---- before and after ---- */

static bool begin(struct virsh *v, struct mig_error *err)
{
    struct mig_move_wish wish = {
        .vm = v->vm, .instance = v->instance, .destination = v->destination};

    return mig_data_path_parse(v->data_path, &wish.data_path, err) &&
           mig_move_agree(&v->host.gather, v->agent, &wish, &v->move, err) &&
           mig_move_advance(&v->host.gather, v->agent, MIG_STEP_APPROVE, &v->move, NULL, err);
}

/* The guest is there, whatever else goes wrong. */
static bool finish(struct virsh *v, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes arrived = {0};
    struct mig_move m = {.agreement = v->move.agreement}; /* borrows */

    if (!mig_move_advance(&v->host.gather, v->destination, MIG_STEP_COMPLETE, &v->move, &arrived,
                          err)) {
        return mig_wrap(err,
                        "%s runs at %s, but its contract could not be made active there; is the "
                        "hook installed in its libvirt?",
                        v->vm, v->destination);
    }
    m.contract = arrived;
    return mig_move_advance(&v->host.gather, v->agent, MIG_STEP_DEPART, &m, NULL, err) ||
           mig_wrap(err, "%s runs at %s, but its contract here was not retired", v->vm,
                    v->destination);
}

static void abandon(struct virsh *v)
{
    const char *const agents[] = {v->destination, v->agent};
    const struct mig_move m = {.agreement = v->move.agreement};
    struct mig_error err;

    for (size_t i = 0; i < MIG_COUNT(agents); i++) {
        if (!mig_move_advance(&v->host.gather, agents[i], MIG_STEP_ABANDON, &m, NULL, &err)) {
            mig_log_warn("%s", err.msg);
        }
    }
}

static int migrate(struct virsh *v, char **command)
{
    struct mig_error err;
    int status;

    if (!begin(v, &err)) {
        return hook_fail(&err);
    }
    status = run_command(command);
    if (status != 0) {
        abandon(v);
        return status;
    }
    return finish(v, &err) ? 0 : hook_fail(&err);
}

int virsh_run(int argc, char **argv)
{
    struct virsh v = {.vm = NULL};
    struct mig_words words;
    struct mig_error err;
    int status;

    if (hook_helps(argc, argv, &options)) {
        return 0;
    }
    if (!mig_host_options_parse(&options, argc, argv, &v.host, &words, &err)) {
        status = hook_fail(&err);
    } else if (words.operands_len != 2 || words.rest_len == 0) {
        (void)mig_fail(&err, MIG_USAGE,
                       "usage: mig-hook virsh [options] UUID DST -- COMMAND [ARGUMENT...]");
        status = hook_fail(&err);
    } else {
        mig_log_init("mig-hook", v.host.verbose ? MIG_LOG_INFO : MIG_LOG_WARN);
        v.vm = words.operands[0];
        v.destination = words.operands[1];
        status = migrate(&v, words.rest);
    }
    mig_move_clear(&v.move);
    mig_host_options_clear(&options, &v.host);
    return status;
}
