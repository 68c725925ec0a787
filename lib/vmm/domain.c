/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/domain.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/normalise.h"
#include "snapshot/xml.h"

static bool check_running(const xmlNode *cpu, struct mig_error *err)
{
    const char *mode = mig_xml_attribute(cpu, "mode"), *check = mig_xml_attribute(cpu, "check");

    /* Those are never spelt out, also while the domain runs. */
    if (mode != NULL && (strcmp(mode, "host-passthrough") == 0 || strcmp(mode, "maximum") == 0)) {
        return true;
    }
    return cpu == NULL || (check != NULL && strcmp(check, "full") == 0) ||
           mig_xml_fail(cpu, err,
                        "check is not 'full': of no running domain; give what virsh dumpxml prints "
                        "while it runs");
}

static bool read_domain(const char *xml, size_t len, bool running, struct mig_domain *ret,
                        struct mig_error *err)
{
    MIG_AUTO(mig_domain_clear) struct mig_domain d = {.root = NULL};
    const xmlNode *cpu = NULL;
    const char *type;

    if (!mig_import_domain_recognises(xml, len)) {
        return mig_fail(err, MIG_FORMAT, "expected the XML of a domain");
    }
    if (!mig_import_domain_read(xml, len, &d.told, err) || !mig_xml_parse(xml, len, &d.root, err) ||
        !mig_xml_only(d.root, "cpu", &cpu, err) || (running && !check_running(cpu, err))) {
        return false;
    }
    if (d.told->arch != MIG_ARCH_X86) {
        return mig_fail(err, MIG_MISSING, "of an arm64 guest: the probe is for x86");
    }
    type = mig_xml_attribute(d.root, "type");
    d.kvm = type != NULL && strcmp(type, "kvm") == 0;
    d.uuid = mig_snapshot_fact(d.told, "guest.uuid");
    d.machine = mig_snapshot_fact(d.told, "vmm.machine-type");
    if (d.uuid == NULL || d.machine == NULL) {
        return mig_fail(err, MIG_FORMAT, "expected uuid and os/type/@machine");
    }
    if (mig_snapshot_fact(d.told, "guest.launch-security") != NULL) {
        return mig_fail(err, MIG_MISSING,
                        "launchSecurity: the guest's memory is encrypted, no probe sees what it "
                        "was shown");
    }
    *ret = d;
    d = (struct mig_domain){.root = NULL};
    return true;
}

bool mig_domain_read(const char *xml, size_t len, struct mig_domain *ret, struct mig_error *err)
{
    return read_domain(xml, len, true, ret, err);
}

bool mig_domain_read_early(const char *xml, size_t len, struct mig_domain *ret,
                           struct mig_error *err)
{
    return read_domain(xml, len, false, ret, err);
}

bool mig_domain_uuid(const char *xml, size_t len, char ret[MIG_UUID_TEXT], struct mig_error *err)
{
    MIG_AUTO(mig_xml_free) xmlNode *root = NULL;
    MIG_AUTO(mig_free) char *text = NULL;
    const xmlNode *uuid = NULL;

    if (!mig_xml_parse(xml, len, &root, err) || !mig_xml_only(root, "uuid", &uuid, err)) {
        return false;
    }
    text = uuid != NULL ? mig_xml_text(uuid) : mig_strdup("");
    if (strlen(text) != MIG_UUID_TEXT - 1) {
        return mig_fail(err, MIG_FORMAT, "domain/uuid: expected a UUID, got '%.40s'", text);
    }
    memcpy(ret, text, MIG_UUID_TEXT);
    return true;
}

void mig_domain_pour(const struct mig_domain *d, struct mig_builder *b)
{
    static const char *const facts[] = {"guest.name", "guest.uuid", NULL};
    const struct mig_entry *items;
    size_t len;

    for (size_t i = 0; facts[i] != NULL; i++) {
        const char *value = mig_snapshot_fact(d->told, facts[i]);

        if (value != NULL) {
            mig_builder_add_fact(b, facts[i], value, "libvirt domain XML");
        }
    }
    items = mig_snapshot_space(d->told, MIG_SPACE_GUEST, &len);
    for (size_t i = 0; i < len; i++) {
        mig_builder_set(b, mig_reg_from_key(items[i].key), items[i].value);
    }
}

/* A feature that one register bit is; runtime bits say nothing. */
static bool check_feature(const xmlNode *e, const struct mig_snapshot *shown, const char *by,
                          struct mig_error *err)
{
    const char *policy, *name;
    const struct mig_field *f;
    uint64_t word = 0, mask;
    bool on;

    if (!mig_xml_get(e, "policy", &policy, err) || !mig_xml_get(e, "name", &name, err)) {
        return false;
    }
    f = mig_field_find(name);
    if (f == NULL || f->reg.space != MIG_SPACE_CPUID || f->hi != f->lo) {
        return true;
    }
    mask = mig_bits_mask(f->hi, f->lo);
    if ((mig_normalise(f->reg, mask) & mask) == 0) {
        return true;
    }
    (void)mig_snapshot_get(shown, f->reg, &word);
    on = strcmp(policy, "require") == 0 || strcmp(policy, "force") == 0;
    if (!on && strcmp(policy, "disable") != 0 && strcmp(policy, "forbid") != 0) {
        return true;
    }
    return on == ((word & mask) != 0) || mig_xml_fail(e, err, "%.40s is %s, %s has it %s", name,
                                                      on ? "on" : "off", by, on ? "off" : "on");
}

bool mig_domain_check(const struct mig_domain *d, const struct mig_snapshot *shown, const char *by,
                      struct mig_error *err)
{
    const char *machine = mig_snapshot_fact(shown, "vmm.machine-type");
    const xmlNode *cpu = mig_xml_child(d->root, "cpu");

    if (machine == NULL || strcmp(machine, d->machine) != 0) {
        return mig_fail(err, MIG_FORMAT, "machine is %.60s, %s has %.60s", d->machine, by,
                        machine != NULL ? machine : "none that is known");
    }
    for (const xmlNode *e = mig_xml_child(cpu, "feature"); e != NULL; e = mig_xml_sibling(e)) {
        if (!check_feature(e, shown, by, err)) {
            return false;
        }
    }
    return true;
}

void mig_domain_clear(struct mig_domain *d)
{
    mig_xml_free(d->root);
    mig_snapshot_free(d->told);
    *d = (struct mig_domain){.root = NULL};
}
