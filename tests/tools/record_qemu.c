/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record a guest of QEMU and print its contract as JSON, unsigned; or print how a
 * QEMU that waits for a guest differs from its contract, "ID: WHY" in lines.
 *
 *   record_qemu qmp SOCKET [--program QEMU] [--vm ID] [--timeout MS]
 *   record_qemu libvirt DOMAIN.xml [--pid PID] [the same]
 *   record_qemu incoming SOCKET --contract FILE.json [the same]
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/now.h"
#include "base/text.h"
#include "pact/contract.h"
#include "session/contract_file.h"
#include "snapshot/import.h"
#include "vmm/incoming.h"

struct words {
    struct mig_recorder recorder;
    uint64_t pid;
    const char *contract;
};

static bool read_option(const char *name, const char *value, struct words *ret)
{
    if (strcmp(name, "--program") == 0) {
        ret->recorder.program = value;
        return true;
    }
    if (strcmp(name, "--vm") == 0) {
        ret->recorder.vm = value;
        return true;
    }
    if (strcmp(name, "--contract") == 0) {
        ret->contract = value;
        return true;
    }
    if (strcmp(name, "--timeout") == 0) {
        return mig_text_to_u64(value, 600000, &ret->recorder.timeout_ms);
    }
    return strcmp(name, "--pid") == 0 && mig_text_to_u64(value, INT32_MAX, &ret->pid);
}

static bool record(const char *how, const char *what, const struct words *w,
                   struct mig_contract **ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes xml = {0};

    if (strcmp(how, "qmp") == 0) {
        return mig_qemu_record(&w->recorder, what, ret, err);
    }
    return mig_file_read(what, MIG_IMPORT_BYTES_MAX, &xml, err) &&
           mig_libvirt_record(&w->recorder, (const char *)xml.items, xml.len, (pid_t)w->pid, ret,
                              err);
}

/* 0, or 1 when something differs. */
static int check_incoming(const char *socket, const struct words *w)
{
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file f = {0};
    struct mig_findings list = {0};
    struct mig_error err;
    int status;

    if (w->contract == NULL ||
        !mig_contract_file_read(NULL, w->contract, mig_now_unix(), &f, &err) ||
        !mig_qemu_check_incoming(&w->recorder, socket, f.contract, &list, &err)) {
        mig_log_error("%s", w->contract == NULL ? "--contract is missing" : err.msg);
        return w->contract == NULL ? 2 : mig_error_exit_status(err.code);
    }
    for (size_t i = 0; i < list.len; i++) {
        (void)printf("%s: %s\n", list.items[i].id, list.items[i].why);
    }
    status = list.len > 0 ? 1 : 0;
    mig_findings_clear(&list);
    return status;
}

int main(int argc, char **argv)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    MIG_AUTO(mig_free) char *text = NULL;
    struct words w = {.pid = 0};
    struct mig_error err;

    mig_log_init("record_qemu", MIG_LOG_WARN);
    for (int i = 3; i < argc; i += 2) {
        if (i + 1 == argc || !read_option(argv[i], argv[i + 1], &w)) {
            mig_log_error("%s: not understood", argv[i]);
            return 2;
        }
    }
    if (argc >= 3 && strcmp(argv[1], "incoming") == 0) {
        return check_incoming(argv[2], &w);
    }
    if (argc < 3 || (strcmp(argv[1], "qmp") != 0 && strcmp(argv[1], "libvirt") != 0)) {
        mig_log_error("usage: record_qemu qmp SOCKET | libvirt DOMAIN.xml [options]");
        return 2;
    }
    if (!record(argv[1], argv[2], &w, &c, &err)) {
        mig_log_error("%s", err.msg);
        return mig_error_exit_status(err.code);
    }
    text = mig_contract_to_json(c);
    return fputs(text, stdout) < 0 ? 2 : 0;
}
