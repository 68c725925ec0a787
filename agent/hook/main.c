/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "exec.h"

#define EXIT_USAGE 2

static void help(FILE *out)
{
    (void)fputs("usage: mig-hook exec [options] SRC DST -- COMMAND [ARGUMENT...]\n\n"
                "Run COMMAND only when live evidence of both hosts says that the move is safe.\n"
                "'mig-hook exec --help' lists the options; mig-hook(1) tells all.\n",
                out);
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
    if (argc > 1 && strcmp(argv[1], "exec") == 0) {
        return exec_run(argc - 1, argv + 1);
    }
    help(stderr);
    return EXIT_USAGE;
}
