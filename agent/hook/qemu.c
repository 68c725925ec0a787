/* SPDX-License-Identifier: Apache-2.0 */
#include "qemu.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/now.h"
#include "base/text.h"
#include "pact/contract.h"
#include "seal/key.h"
#include "seal/seal.h"

bool qemu_begin(const struct mig_options *o, int argc, char **argv, struct qemu_gate *g,
                struct mig_words *words, struct mig_error *err)
{
    *g = (struct qemu_gate){.net = -1};
    if (!mig_host_options_parse(o, argc, argv, &g->host, words, err)) {
        return false;
    }
    mig_log_init("mig-hook", g->host.quiet ? MIG_LOG_WARN : MIG_LOG_INFO);
    if (g->qmp == NULL) {
        return mig_fail(err, MIG_USAGE, "--qmp is needed: the QMP socket of the QEMU on this side");
    }
    if (g->host.ca == NULL || g->host.cert == NULL || g->host.key == NULL) {
        return mig_fail(err, MIG_USAGE,
                        "--ca, --cert and --key of this host's hook are needed, here or in "
                        "migctl.conf");
    }
    return mig_tls_new(&g->host.gather.tls, &g->tls, err) &&
           mig_trust_load(g->host.ca, g->host.crl, &g->trust, err) &&
           mig_qmp_connect(g->qmp, QEMU_PATIENCE_MS, &g->monitor, err);
}

void qemu_end(const struct mig_options *o, struct qemu_gate *g)
{
    mig_tunnel_close(g->tunnel);
    mig_fd_close(g->net);
    mig_qmp_free(g->monitor);
    mig_move_clear(&g->move);
    mig_contract_free(g->contract);
    mig_trust_free(g->trust);
    mig_tls_free(g->tls);
    mig_host_options_clear(o, &g->host);
}

bool qemu_open_move(struct qemu_gate *g, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;

    if (!mig_agreement_open(g->trust, &g->move.agreement, mig_now_unix(), &g->agreement, err) ||
        !mig_seal_open(g->trust, MIG_PAYLOAD_CONTRACT, g->move.contract.items, g->move.contract.len,
                       &payload, err) ||
        !mig_contract_decode(payload, &g->contract, err)) {
        return false;
    }
    return memcmp(payload->digest, g->agreement.contract, sizeof payload->digest) == 0 ||
           mig_fail(err, MIG_TRUST, "the contract is not the one that was agreed on");
}

bool qemu_has_uuid(const struct qemu_gate *g, unsigned char ret[MIG_QEMU_UUID])
{
    const char *vm = g->contract->vm;
    uint64_t byte;
    size_t len = 0;

    memset(ret, 0, MIG_QEMU_UUID);
    for (const char *c = vm; *c != '\0' && len < MIG_QEMU_UUID; c++) {
        if (*c == '-') {
            continue;
        }
        if (!mig_text_digits(c, 2, 16, 255, &byte)) {
            len = 0;
            break;
        }
        ret[len++] = (unsigned char)byte;
        c++;
    }
    if (len != MIG_QEMU_UUID || strlen(vm) != MIG_QEMU_UUID_TEXT - 1) {
        memset(ret, 0, MIG_QEMU_UUID);
        return false;
    }
    return true;
}

bool qemu_check_head(const struct qemu_gate *g, const struct mig_qemu_head *h,
                     struct mig_error *err)
{
    static const char *const capabilities[] = {"return-path", NULL};
    const char *machine = mig_snapshot_fact(g->contract->shown, "vmm.machine-type");
    unsigned char uuid[MIG_QEMU_UUID];
    const struct mig_qemu_expected expected = {
        .uuid = uuid, .machine = machine, .capabilities = capabilities};

    if (machine == NULL) {
        return mig_fail(err, MIG_FORMAT, "the contract names no machine type (vmm.machine-type)");
    }
    (void)qemu_has_uuid(g, uuid);
    return mig_qemu_check(mig_qemu_head_stream(h), &expected, err);
}

bool qemu_advance(struct qemu_gate *g, enum mig_step step, const struct mig_bytes *contract,
                  struct mig_bytes *ret, struct mig_error *err)
{
    const struct mig_move m = {g->move.agreement,
                               contract != NULL ? *contract : (struct mig_bytes){0}};

    return mig_move_advance(&g->host.gather, g->agent, step, &m, ret, err);
}

void qemu_abandon(struct qemu_gate *g)
{
    struct mig_error err;

    if (g->approved && !qemu_advance(g, MIG_STEP_ABANDON, NULL, NULL, &err)) {
        mig_log_warn("%s", err.msg);
    }
    g->approved = false;
}
