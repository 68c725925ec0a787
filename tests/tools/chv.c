/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chv send|receive CONTRACT PATH [NAME=VALUE...]: one side of a Cloud Hypervisor
 * migration as its protocol wants it (support/chv_peer.h), of a guest that was
 * shown what the contract's JSON says.  It prints how it ended.
 *
 *   table=EDITS vcpus=EDITS   Config and State of a guest that has something else
 *   count=N                   so many vCPUs (2)
 *   go=N stop=N               leave, or stop by SIGSTOP, after so many messages
 *   connections=N local=1     as send-migration has them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "pact/contract.h"
#include "snapshot/import.h"
#include "support/chv.h"
#include "support/chv_peer.h"
#include "support/edit.h"

static const char *const ends[] = {
    [CHV_DONE] = "done", [CHV_ERROR] = "error", [CHV_LOST] = "lost",   [CHV_ABORTED] = "aborted",
    [CHV_HALF] = "half", [CHV_HUNG] = "hung",   [CHV_WRONG] = "wrong", [CHV_GONE] = "gone",
};

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "chv: %s\n", what);
    exit(1);
}

static struct mig_contract *load(const char *path)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    struct mig_contract *c = NULL;
    struct mig_error err;

    if (!mig_file_read(path, MIG_IMPORT_BYTES_MAX, &file, &err) ||
        !mig_contract_from_json((const char *)file.items, file.len, &c, &err)) {
        give_up(err.msg);
    }
    return c;
}

static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
    size_t len = strlen(name);

    for (int i = 4; i < argc; i++) {
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=') {
            return argv[i] + len + 1;
        }
    }
    return otherwise;
}

static int number(int argc, char **argv, const char *name, const char *otherwise)
{
    return (int)strtol(option(argc, argv, name, otherwise), NULL, 10);
}

/* As many address bits as it was shown; the VMM's own limit is 46. */
static char *cpus_of(const struct mig_snapshot *shown)
{
    uint64_t word;

    (void)mig_snapshot_get(shown, mig_reg_cpuid(0x80000008, 0, MIG_EAX), &word);
    return mig_strf(",\"max_phys_bits\":%u", (unsigned)(word & 0xff));
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)unlink(path);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 16) != 0) {
        give_up("can not listen");
    }
    (void)printf("listening on unix:%s\n", path);
    (void)fflush(stdout);
    return fd;
}

/* The peer's process is its end. */
static void tell(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        (void)alarm(60);
        return;
    }
    (void)waitpid(child, &status, 0);
    (void)puts(WIFEXITED(status) && (size_t)WEXITSTATUS(status) < sizeof ends / sizeof *ends
                   ? ends[WEXITSTATUS(status)]
                   : "killed");
    exit(0);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        give_up("usage: chv send|receive CONTRACT PATH [NAME=VALUE...]");
    }
    struct mig_contract *c = load(argv[2]);
    struct mig_snapshot *table = edit_snapshot(c->shown, option(argc, argv, "table", ""));
    struct mig_snapshot *vcpus = edit_snapshot(c->shown, option(argc, argv, "vcpus", ""));
    unsigned count = (unsigned)number(argc, argv, "count", "2");
    const struct chv_peer peer = {.config = chv_config(table, count, cpus_of(c->shown)),
                                  .state = chv_state_without_rate(vcpus, count, 7),
                                  .local = number(argc, argv, "local", "0") != 0,
                                  .connections = (unsigned)number(argc, argv, "connections", "0"),
                                  .go_after = number(argc, argv, "go", "-1"),
                                  .stop_after = number(argc, argv, "stop", "0")};
    bool sends = strcmp(argv[1], "send") == 0;
    int listener = sends ? -1 : listen_at(argv[3]);

    tell();
    _exit((int)(sends ? chv_send(argv[3], &peer) : chv_receive(listener, &peer)));
}
