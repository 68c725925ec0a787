/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "verb.h"

#define EXIT_USAGE 2

static const struct verb *const verbs[] = {
    &verb_negotiate, &verb_baseline,  &verb_diff, &verb_explain, &verb_drift, &verb_snapshot,
    &verb_contract,  &verb_agreement, &verb_plan, &verb_audit,   &verb_pool,  &verb_pki,
};

static const struct verb *find(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}

static void help(FILE *out)
{
    (void)fputs("usage: migctl VERB [options] ...\n\n"
                "Which CPU profile do these hosts share, and may a guest move between them?\n\n",
                out);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        (void)fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    }
    (void)fputs("\n'migctl help VERB' tells more; migctl(1) tells all.\n", out);
}

int verb_fail(const struct mig_error *err)
{
    (void)fprintf(stderr, "migctl: %s\n", err->msg);
    return mig_error_exit_status(err->code);
}

static int run_help(int argc, char **argv)
{
    const struct verb *verb = argc > 2 ? find(argv[2]) : NULL;
    char flag[] = "--help", name[64];
    char *args[] = {name, argc > 3 ? argv[3] : flag, flag, NULL}; /* "help contract check" */

    if (argc > 2 && verb == NULL) {
        (void)fprintf(stderr, "migctl: unknown verb '%s', see migctl --help\n", argv[2]);
        return EXIT_USAGE;
    }
    if (verb == NULL) {
        help(stdout);
        return 0;
    }
    (void)snprintf(name, sizeof name, "%s", verb->name);
    return verb->run(argc > 3 ? 3 : 2, args);
}

int main(int argc, char **argv)
{
    const struct verb *verb;

    mig_log_init("migctl", MIG_LOG_WARN);
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("migctl " MIG_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        return run_help(argc, argv);
    }
    verb = find(argv[1]);
    if (verb == NULL) {
        (void)fprintf(stderr, "migctl: unknown verb '%s', see migctl --help\n", argv[1]);
        return EXIT_USAGE;
    }
    return verb->run(argc - 1, argv + 1);
}
