/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/inquiry.h"

#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/node.h"
#include "vmm/launch.h"

#define SOURCE "QEMU QMP"
#define VCPUS_MAX 65536
#define PROPERTIES_MAX 4096
/* Beyond this a fraction holds no whole number any more. */
#define EXACT_MAX 9007199254740992.0

/* Where a vCPU stands and in what state, not what it shows; the machine's part. */
static bool is_place(const char *property)
{
    static const char *const names[] = {
        "apic-id",   "node-id", "socket-id",         "die-id",     "module-id", "core-id",
        "thread-id", "memory",  "start-powered-off", "cluster-id", "realized",
    };

    for (size_t i = 0; i < MIG_COUNT(names); i++) {
        if (strcmp(names[i], property) == 0) {
            return true;
        }
    }
    return false;
}

/* "max-x86_64-cpu" is the model "max". */
static bool model_of(const char *type, char **ret, struct mig_error *err)
{
    static const char *const ends[] = {"-x86_64-cpu", "-i386-cpu"};

    for (size_t i = 0; i < MIG_COUNT(ends); i++) {
        if (mig_text_ends(type, ends[i])) {
            *ret = mig_strndup(type, strlen(type) - strlen(ends[i]));
            return true;
        }
    }
    return mig_fail(err, MIG_FORMAT,
                    "CPU '%.60s' is no x86 one: QMP tells nothing of its registers", type);
}

/* Names of properties that "-cpu" takes. */
static bool ask_names(struct mig_qmp *q, const char *model, json_t **ret, struct mig_error *err)
{
    json_t *arguments = json_pack("{s:s, s:{s:s}}", "type", "full", "model", "name", model);
    MIG_AUTO(mig_node_free) json_t *answer = NULL;
    struct mig_node root, expanded, props;

    if (!mig_qmp_ask(q, "query-cpu-model-expansion", arguments, JSON_OBJECT, &answer, err)) {
        return false;
    }
    root = mig_node_root(answer);
    if (!mig_node_get(&root, "model", JSON_OBJECT, &expanded, err) ||
        !mig_node_get(&expanded, "props", JSON_OBJECT, &props, err)) {
        return mig_wrap(err, "query-cpu-model-expansion");
    }
    if (json_object_size(props.json) > PROPERTIES_MAX) {
        return mig_fail(err, MIG_LIMIT, "query-cpu-model-expansion: more than %d properties",
                        PROPERTIES_MAX);
    }
    *ret = json_incref(props.json);
    return true;
}

static bool ask_property(struct mig_qmp *q, const char *path, const char *name, json_t *into,
                         struct mig_error *err)
{
    json_t *value = NULL;

    if (!mig_qmp_get(q, path, name, &value, err)) {
        return false;
    }
    MIG_ASSERT(json_object_set_new(into, name, value) == 0);
    return true;
}

static bool ask_properties(struct mig_qmp *q, const char *path, const json_t *names, json_t **ret,
                           struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *all = json_object();

    for (void *i = json_object_iter((json_t *)(uintptr_t)names); i != NULL;
         i = json_object_iter_next((json_t *)(uintptr_t)names, i)) {
        const char *name = json_object_iter_key(i);

        if (!is_place(name) && !ask_property(q, path, name, all, err)) {
            return false;
        }
    }
    if (!ask_property(q, path, "feature-words", all, err)) {
        return false;
    }
    *ret = mig_steal(&all);
    return true;
}

static bool ask_cpu(struct mig_qmp *q, struct mig_inquiry *ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *cpus = NULL, *names = NULL;
    MIG_AUTO(mig_free) char *model = NULL;
    struct mig_node root, first;
    const char *path;

    if (!mig_qmp_ask(q, "query-cpus-fast", NULL, JSON_ARRAY, &cpus, err)) {
        return false;
    }
    root = mig_node_root(cpus);
    if (json_array_size(cpus) == 0 || !mig_node_element(&root, 0, JSON_OBJECT, &first, err) ||
        !mig_node_get_text(&first, "qom-path", &path, err)) {
        return mig_fail(err, MIG_FORMAT, "query-cpus-fast: expected a list of CPUs with qom-path");
    }
    return mig_qmp_get_text(q, path, "type", &ret->cpu, err) && model_of(ret->cpu, &model, err) &&
           ask_names(q, model, &names, err) &&
           ask_properties(q, path, names, &ret->properties, err);
}

/* A guest that is on its way here was powered on elsewhere. */
static bool check_status(struct mig_qmp *q, bool incoming, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *status = NULL;

    if (!mig_qmp_ask_member(q, "query-status", "status", &status, err)) {
        return false;
    }
    if (incoming) {
        return (status != NULL && strcmp(status, "inmigrate") == 0) ||
               mig_fail(err, MIG_MISSING,
                        "query-status: %.40s: expected inmigrate, a QEMU that waits for its guest",
                        status != NULL ? status : "nothing");
    }
    return status == NULL || strcmp(status, "inmigrate") != 0 ||
           mig_fail(err, MIG_MISSING,
                    "query-status: inmigrate: the guest has not arrived; its contract comes from "
                    "where it ran before");
}

static bool ask_identity(struct mig_qmp *q, bool incoming, struct mig_inquiry *ret,
                         struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *kvm = NULL;
    MIG_AUTO(mig_free) char *arch = NULL;

    if (!mig_qmp_ask_member(q, "query-target", "arch", &arch, err)) {
        return false;
    }
    if (arch == NULL || (strcmp(arch, "x86_64") != 0 && strcmp(arch, "i386") != 0)) {
        return mig_fail(err, MIG_MISSING,
                        "query-target: %.20s: QMP names none of its registers, and the probe is "
                        "for x86",
                        arch != NULL ? arch : "unknown");
    }
    if (!check_status(q, incoming, err) || !mig_qmp_ask_version(q, &ret->version, NULL, err) ||
        !mig_qmp_ask_member(q, "query-uuid", "UUID", &ret->uuid, err) ||
        !mig_qmp_ask_member(q, "query-name", "name", &ret->name, err) ||
        !mig_qmp_ask(q, "query-kvm", NULL, JSON_OBJECT, &kvm, err)) {
        return false;
    }
    ret->kvm = json_is_true(json_object_get(kvm, "enabled"));
    return true;
}

/* What encrypts a guest's memory keeps our probe out of it, too. */
static bool check_plain(struct mig_qmp *q, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *guard = NULL;
    struct mig_error refused = {0};

    if (!mig_qmp_get_text(q, "/machine", "confidential-guest-support", &guard, &refused)) {
        if (refused.code == MIG_REFUSED) { /* QEMU before 6.0 has no such guests */
            return true;
        }
        *err = refused;
        return false;
    }
    return guard[0] == '\0' ||
           mig_fail(err, MIG_MISSING,
                    "the guest's memory is encrypted (%.60s): no probe sees what it was shown",
                    guard);
}

static bool ask_machine(struct mig_qmp *q, struct mig_inquiry *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *type = NULL;

    if (!mig_qmp_get_text(q, "/machine", "type", &type, err) || !check_plain(q, err) ||
        !mig_qmp_get(q, "/machine", "smp", &ret->topology, err)) {
        return false;
    }
    if (!mig_text_ends(type, "-machine") || !json_is_object(ret->topology)) {
        return mig_fail(err, MIG_FORMAT, "machine '%.60s': expected a type and a topology", type);
    }
    ret->machine = mig_strndup(type, strlen(type) - strlen("-machine"));
    return true;
}

static bool ask_all(struct mig_qmp *q, bool incoming, struct mig_inquiry *ret,
                    struct mig_error *err)
{
    MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};

    if (!ask_identity(q, incoming, &i, err) || !ask_machine(q, &i, err) || !ask_cpu(q, &i, err)) {
        return false;
    }
    *ret = i;
    i = (struct mig_inquiry){.kvm = false};
    return true;
}

bool mig_inquiry_ask(struct mig_qmp *q, struct mig_inquiry *ret, struct mig_error *err)
{
    return ask_all(q, false, ret, err);
}

bool mig_inquiry_ask_incoming(struct mig_qmp *q, struct mig_inquiry *ret, struct mig_error *err)
{
    return ask_all(q, true, ret, err);
}

/* As -cpu spells it; NULL: to be left alone.  The caller frees. */
static char *spell(const json_t *value)
{
    double number = json_real_value(value);

    if (json_is_boolean(value)) {
        return mig_strdup(json_is_true(value) ? "on" : "off");
    }
    if (json_is_string(value) && json_string_length(value) > 0) {
        return mig_strdup(json_string_value(value));
    }
    if (json_is_real(value) && number >= 0 && number < EXACT_MAX &&
        number == (double)(uint64_t)number) {
        return mig_strf("%llu", (unsigned long long)number);
    }
    return NULL;
}

/* Properties that QEMU fills in by itself and does not always take. */
static bool is_asked_for(const struct mig_inquiry *i, const char *name, bool asks_tsc)
{
    if (strcmp(name, "tsc-frequency") == 0) {
        return asks_tsc;
    }
    /* A CPU without long mode has a width of addresses, which none may choose. */
    return strcmp(name, "phys-bits") != 0 || json_is_true(json_object_get(i->properties, "lm"));
}

static void add_model(const struct mig_inquiry *i, bool asks_tsc, struct mig_launch *l)
{
    MIG_AUTO(mig_free) char *model = NULL;
    struct mig_text t = {0};
    struct mig_error ignored;

    MIG_ASSERT(model_of(i->cpu, &model, &ignored));
    mig_text_add(&t, model);
    for (void *at = json_object_iter(i->properties); at != NULL;
         at = json_object_iter_next(i->properties, at)) {
        MIG_AUTO(mig_free) char *value = spell(json_object_iter_value(at));
        const char *name = json_object_iter_key(at);

        if (!is_asked_for(i, name, asks_tsc)) {
            continue;
        }
        if (value != NULL && strchr(value, ',') != NULL) {
            mig_launch_add_global(l, i->cpu, name, value);
        } else if (value != NULL) {
            mig_text_addf(&t, ",%s=%s", name, value);
        }
    }
    mig_launch_add(l, "cpu", t.items);
    mig_text_clear(&t);
}

/* A level of the topology; one that a machine does not have may be named by no
 * number, not even 1. */
static uint64_t count_of(const struct mig_inquiry *i, const char *level)
{
    const json_t *n = json_object_get(i->topology, level);
    double count = json_is_real(n) ? json_real_value(n) : 0;

    return count >= 1 && count <= VCPUS_MAX ? (uint64_t)count : 0;
}

static void add_topology(const struct mig_inquiry *i, struct mig_launch *l)
{
    static const char *const levels[] = {"drawers",  "books",   "sockets", "dies",
                                         "clusters", "modules", "cores",   "threads"};
    struct mig_text t = {0};

    mig_text_addf(&t, "cpus=1,maxcpus=%llu", (unsigned long long)count_of(i, "maxcpus"));
    for (size_t n = 0; n < MIG_COUNT(levels); n++) {
        uint64_t count = count_of(i, levels[n]);

        if (count > 1) {
            mig_text_addf(&t, ",%s=%llu", levels[n], (unsigned long long)count);
        } else if (strcmp(levels[n], "sockets") == 0 || strcmp(levels[n], "cores") == 0 ||
                   strcmp(levels[n], "threads") == 0) {
            mig_text_addf(&t, ",%s=1", levels[n]);
        }
    }
    mig_launch_add(l, "smp", t.items);
    mig_text_clear(&t);
}

void mig_inquiry_add_cpu(const struct mig_inquiry *i, bool asks_tsc, struct mig_launch *l)
{
    add_model(i, asks_tsc, l);
    add_topology(i, l);
}

static bool check_same(const char *what, const char *mine, const char *theirs,
                       struct mig_error *err)
{
    return strcmp(mine, theirs) == 0 ||
           mig_fail(err, MIG_FORMAT, "%s is %.80s, that of the guest is %.80s", what, theirs, mine);
}

bool mig_inquiry_check(struct mig_qmp *q, void *inquiry, struct mig_error *err)
{
    struct mig_inquiry *mine = inquiry;
    MIG_AUTO(mig_inquiry_clear) struct mig_inquiry theirs = {.kvm = false};

    if (!mig_inquiry_ask(q, &theirs, err)) {
        return false;
    }
    if (!check_same("its version", mine->version, theirs.version, err) ||
        !check_same("its machine", mine->machine, theirs.machine, err) ||
        !check_same("its CPU", mine->cpu, theirs.cpu, err) ||
        !check_same("its accelerator", mine->kvm ? "kvm" : "another",
                    theirs.kvm ? "kvm" : "another", err)) {
        return false;
    }
    for (void *at = json_object_iter(mine->properties); at != NULL;
         at = json_object_iter_next(mine->properties, at)) {
        const char *name = json_object_iter_key(at);

        if (!json_equal(json_object_iter_value(at), json_object_get(theirs.properties, name))) {
            mine->differed = true;
            return mig_fail(err, MIG_FORMAT,
                            "its CPU has another %.60s than the guest's, although it was asked "
                            "for the same",
                            name);
        }
    }
    return true;
}

static void set_guest(struct mig_builder *b, enum mig_guest_item item, uint64_t value)
{
    mig_builder_set(b, mig_reg_plain(MIG_SPACE_GUEST, item), value);
}

bool mig_inquiry_pour(const struct mig_inquiry *i, struct mig_builder *b, struct mig_error *err)
{
    static const struct {
        const char *level;
        enum mig_guest_item item;
    } rows[] = {
#define TOPOLOGY(level, item) {level, MIG_GUEST_##item},
#include "vmm/topology.def"
    };

    mig_builder_cover(b, MIG_GROUP_SOFTWARE, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_GUEST, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_add_fact(b, "vmm.name", "qemu", SOURCE);
    mig_builder_add_fact(b, "vmm.version", i->version, SOURCE);
    mig_builder_add_fact(b, "vmm.machine-type", i->machine, SOURCE);
    mig_builder_add_fact(b, "vmm.accelerator", i->kvm ? "kvm" : "tcg", SOURCE);
    mig_builder_add_fact(b, "qemu.cpu.type", i->cpu, SOURCE);
    for (size_t n = 0; n < MIG_COUNT(rows); n++) {
        uint64_t count = count_of(i, rows[n].level);

        if (count == 0 && rows[n].item != MIG_GUEST_DIES) {
            return mig_fail(err, MIG_FORMAT, "machine: smp: %s: expected a number from 1 to %d",
                            rows[n].level, VCPUS_MAX);
        }
        if (count != 0) {
            set_guest(b, rows[n].item, count);
        }
    }
    if (i->kvm) {
        set_guest(b, MIG_GUEST_VM_TYPE, 0);
    }
    return true;
}

void mig_inquiry_clear(struct mig_inquiry *i)
{
    mig_free(i->version);
    mig_free(i->uuid);
    mig_free(i->name);
    mig_free(i->machine);
    mig_free(i->cpu);
    mig_node_free(i->properties);
    mig_node_free(i->topology);
    *i = (struct mig_inquiry){.kvm = false};
}
