/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/capture.h"

#include <string.h>

#include "base/alloc.h"
#include "base/now.h"
#include "cpu/field.h"
#include "libmig/failure.h"
#include "libmig/handles.h"
#include "seal/identity.h"

#if defined(__aarch64__)
#define ARCH MIG_ARCH_ARM64
#else
#define ARCH MIG_ARCH_X86
#endif

static void add_fact(struct mig_builder *b, const char *name, const char *value)
{
    if (value != NULL) {
        mig_builder_add_fact(b, name, value, "the VMM");
    }
}

static bool capture_shown(const struct libmig_guest *guest, int kvm, int vm, int vcpu,
                          struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(ARCH);

    if (!mig_kvm_capture_vcpu(kvm, vm, vcpu, b, err)) {
        return false;
    }
    add_fact(b, "vmm.name", guest->vmm_name);
    add_fact(b, "vmm.version", guest->vmm_version);
    add_fact(b, "vmm.machine-type", guest->machine_type);
    if (!mig_builder_freeze(b, ret, err)) {
        return false;
    }
    (*ret)->stamp.table_version = MIG_TABLE_VERSION;
    return true;
}

static bool check_id(const char *what, const char *id, struct mig_error *err)
{
    return (id != NULL && mig_contract_id_is_valid(id)) ||
           mig_fail(err, MIG_USAGE,
                    "%s: expected 1 to %d printable characters without space and slash", what,
                    MIG_VM_ID_MAX - 1);
}

static bool check_guest(const struct libmig_guest *guest, struct mig_error *err)
{
    return check_id("vm", guest->vm, err) && check_id("instance", guest->instance, err) &&
           (guest->host == NULL ||
            (mig_identity_name_is_valid(guest->host) && strlen(guest->host) < MIG_NAME_MAX) ||
            mig_fail(err, MIG_USAGE, "host: expected the name of an agent"));
}

int libmig_contract_capture(const struct libmig_guest *guest, int kvm, int vm, int vcpu,
                            struct libmig_contract **ret, struct libmig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = MIG_NEW(struct mig_contract);
    struct mig_error why;

    if (!check_guest(guest, &why) || !capture_shown(guest, kvm, vm, vcpu, &c->shown, &why)) {
        return mig_failure_tell(err, &why);
    }
    if (!mig_contract_check_shown(c->shown, &why)) {
        return mig_failure_tell(err, &why);
    }
    memcpy(c->vm, guest->vm, strlen(guest->vm) + 1);
    memcpy(c->instance, guest->instance, strlen(guest->instance) + 1);
    if (guest->host != NULL) {
        memcpy(c->recorder, guest->host, strlen(guest->host) + 1);
    }
    c->recorded_at = mig_now_unix();
    *ret = MIG_NEW(struct libmig_contract);
    **ret = (struct libmig_contract){mig_steal(&c), LIBMIG_EVIDENCE_CAPTURED};
    return mig_failure_none(err);
}
