/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the program is asked what it has, with no machine at
 * all: its version, the guest's machine type and CPU model, and the properties
 * of that model.  Only then a scratch guest is started, so that what is missing
 * is told by name, and no argument is one that this QEMU does not know.
 */
#include "vmm/prove.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/node.h"
#include "vmm/export.h"
#include "vmm/probe.h"
#include "vmm/qmp.h"
#include "vmm/readback.h"

#define LIST_MAX 4096

struct proving {
    const char *program;
    const struct mig_snapshot *shown;
    uint64_t timeout_ms; /* of each start */
    struct mig_proven *ret;
    enum mig_stage stage; /* what is being done */
    char *version;
    char *type; /* of the CPU */
    struct mig_launch known;
};

static void fail_as(struct proving *p, int errnum, const char *said)
{
    p->ret->outcome = MIG_OUTCOME_NOT_TRIED;
    p->ret->stage = p->stage;
    p->ret->errnum = errnum;
    (void)snprintf(p->ret->vmm, sizeof p->ret->vmm, "%.250s", said);
    mig_text_make_printable(p->ret->vmm);
}

/* Has a list of objects one whose @key is @value? */
static bool ask_has(struct mig_qmp *q, const char *command, const char *key, const char *value,
                    bool *ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *list = NULL;

    if (!mig_qmp_ask(q, command, NULL, JSON_ARRAY, &list, err)) {
        return false;
    }
    *ret = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(list, i), key));

        *ret = *ret || (text != NULL && strcmp(text, value) == 0);
    }
    return true;
}

static bool ask_machine(struct proving *p, struct mig_qmp *q, struct mig_error *err)
{
    const char *machine = mig_snapshot_fact(p->shown, "vmm.machine-type");
    bool there = false;

    p->stage = MIG_STAGE_MACHINE;
    if (machine == NULL) {
        return mig_fail(err, MIG_MISSING, "the contract has no vmm.machine-type");
    }
    return ask_has(q, "query-machines", "name", machine, &there, err) &&
           (there ||
            mig_fail(err, MIG_MISSING, "%s has no machine type %.60s", p->version, machine));
}

static bool ask_model(struct proving *p, struct mig_qmp *q, struct mig_error *err)
{
    bool there = false;

    p->stage = MIG_STAGE_MODEL;
    return ask_has(q, "query-cpu-definitions", "typename", p->type, &there, err) &&
           (there || mig_fail(err, MIG_MISSING, "%s has no CPU model %.60s", p->version, p->type));
}

static bool ask_properties(struct proving *p, struct mig_qmp *q, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *list = NULL;
    json_t *arguments = json_pack("{s:s}", "typename", p->type);

    if (!mig_qmp_ask(q, "device-list-properties", arguments, JSON_ARRAY, &list, err)) {
        return false;
    }
    if (json_array_size(list) > LIST_MAX) {
        return mig_fail(err, MIG_LIMIT, "device-list-properties: more than %d", LIST_MAX);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(list, i), "name"));

        if (name != NULL) {
            *MIG_PUSH(&p->known) = mig_strdup(name);
        }
    }
    return true;
}

/* A mig_probe_check_fn. */
static bool ask_all(struct mig_qmp *q, void *data, struct mig_error *err)
{
    struct proving *p = data;

    return mig_qmp_ask_version(q, &p->version, NULL, err) && ask_machine(p, q, err) &&
           ask_model(p, q, err) && ask_properties(p, q, err);
}

static bool ask_program(struct proving *p, struct mig_error *err)
{
    MIG_AUTO(mig_launch_clear) struct mig_launch none = {.items = NULL};
    const struct mig_probe probe = {.program = -1,
                                    .path = p->program,
                                    .launch = &none,
                                    .timeout_ms = p->timeout_ms,
                                    .check = ask_all,
                                    .data = p};

    p->stage = MIG_STAGE_VMM;
    return mig_probe_ask(&probe, err);
}

static bool look(struct proving *p, struct mig_snapshot **ret, struct mig_error *err)
{
    const struct mig_export_taker taker = {.known = &p->known, .one_vcpu = true};
    MIG_AUTO(mig_export_clear) struct mig_export e = {.arguments = {.items = NULL}};
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes report = {0};
    struct mig_probe probe = {
        .program = -1, .path = p->program, .launch = &e.arguments, .timeout_ms = p->timeout_ms};

    p->stage = MIG_STAGE_RUN;
    mig_export_make(p->shown, &taker, &e);
    return mig_probe_run(&probe, &report, err) && mig_readback_pour(&report, b, err) &&
           mig_import_finish(b, "qemu-probe", ret, err);
}

static bool prove(struct proving *p, struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *seen = NULL;

    if (!ask_program(p, err) || !look(p, &seen, err)) {
        return false;
    }
    p->ret->ran = true;
    (void)snprintf(p->ret->vmm, sizeof p->ret->vmm, "QEMU %.240s", p->version);
    mig_text_make_printable(p->ret->vmm);
    mig_readback_compare(p->shown, seen, p->ret);
    return true;
}

void mig_qemu_prove(const char *program, const struct mig_snapshot *shown, uint64_t timeout_ms,
                    struct mig_proven *ret)
{
    struct proving p = {.program = program,
                        .shown = shown,
                        .timeout_ms = timeout_ms,
                        .ret = ret,
                        .stage = MIG_STAGE_VMM};
    struct mig_error err;

    *ret = (struct mig_proven){0};
    if (shown->arch != MIG_ARCH_X86) {
        fail_as(&p, ENOEXEC, "no program looks at an emulated guest of this architecture");
        return;
    }
    if (program == NULL) {
        fail_as(&p, ENOENT, "no QEMU is installed where it is looked for");
        return;
    }
    if (access(program, X_OK) != 0) {
        MIG_AUTO(mig_free) char *said = mig_strf("QEMU %.150s: %s", program, strerror(errno));

        fail_as(&p, errno, said);
        return;
    }
    p.type = mig_export_type(shown);
    if (!prove(&p, &err)) {
        fail_as(&p, EIO, err.msg);
    }
    mig_proven_settle(ret);
    mig_launch_clear(&p.known);
    mig_free(p.version);
    mig_free(p.type);
}
