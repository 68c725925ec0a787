/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/options.h"
#include "hook.h"

#define EXIT_USAGE 2

static const struct {
    const char *name;
    hook_run_fn *run;
    const char *operands, *help;
} verbs[] = {
#define HOOK(name, fn, operands, help) {name, fn, operands, help},
#include "agent/hook/hook.def"
};

int hook_fail(const struct mig_error *err)
{
    (void)fprintf(stderr, "mig-hook: %s\n", err->msg);
    return mig_error_exit_status(err->code);
}

static const char *operands_of(const char *verb)
{
    for (size_t i = 0; i < MIG_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, verb) == 0) {
            return verbs[i].operands;
        }
    }
    return "";
}

bool hook_helps(int argc, char **argv, const struct mig_options *o)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)printf("usage: mig-hook %s [options] %s\n\noptions:\n", argv[0],
                         operands_of(argv[0]));
            mig_options_help(o, stdout);
            return true;
        }
    }
    return false;
}

static void help(FILE *out)
{
    (void)fputs("usage: mig-hook VERB [options] ...\n\n", out);
    for (size_t i = 0; i < MIG_COUNT(verbs); i++) {
        (void)fprintf(out, "  %s %s\n      %s\n", verbs[i].name, verbs[i].operands, verbs[i].help);
    }
    (void)fputs("\n'mig-hook VERB --help' lists the options; mig-hook(1) tells all.\n", out);
}

/* How many words of the command line name this verb, "qemu send"; 0: they do not. */
static int words_of(const char *verb, int argc, char **argv)
{
    int words = 0;

    for (const char *at = verb; *at != '\0'; words++) {
        size_t len = strcspn(at, " ");

        if (words + 1 >= argc || strlen(argv[words + 1]) != len ||
            strncmp(argv[words + 1], at, len) != 0) {
            return 0;
        }
        at += len + (at[len] == ' ' ? 1 : 0);
    }
    return words;
}

int main(int argc, char **argv)
{
    mig_log_init("mig-hook", MIG_LOG_WARN);
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        (void)puts("mig-hook " MIG_VERSION);
        return 0;
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help(stdout);
        return 0;
    }
    for (size_t i = 0; i < MIG_COUNT(verbs); i++) {
        int words = words_of(verbs[i].name, argc, argv);

        if (words > 0) {
            argv[words] = (char *)(uintptr_t)verbs[i].name; /* for its help */
            return verbs[i].run(argc - words, argv + words);
        }
    }
    help(stderr);
    return EXIT_USAGE;
}
