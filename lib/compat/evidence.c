/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/evidence.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "compat/judge.h"
#include "compat/merge.h"
#include "cpu/arm64_reg.h"
#include "cpu/place.h"

struct mig_finding *mig_evidence_refuse(struct mig_result *r, const char *id,
                                        enum mig_reason reason, char *why, const char *remedy)
{
    struct mig_finding *f = mig_findings_add(&r->findings, id, MIG_BLOCKER);

    f->rule = mig_rule_name(MIG_RULE_EXACT);
    f->reason = reason;
    f->why = why;
    f->remedy = mig_strdup(remedy);
    return f;
}

static bool is_guest(const struct mig_evidence *e, size_t i)
{
    return e->has_guest && i == 0;
}

static bool is_one_arch(const struct mig_evidence *e, struct mig_result *r)
{
    for (size_t i = 1; i < e->len; i++) {
        const struct mig_party *first = &e->parties[0], *other = &e->parties[i];

        if (other->snapshot->arch != first->snapshot->arch) {
            (void)mig_evidence_refuse(r, "host/arch", MIG_REASON_HARDWARE,
                                      mig_strf("%s is %s, %s is %s: no guest runs on both",
                                               first->name, mig_arch_name(first->snapshot->arch),
                                               other->name, mig_arch_name(other->snapshot->arch)),
                                      "choose hosts of one architecture");
            return false;
        }
    }
    return true;
}

/* False when the evidence does not tell. */
static bool get_vendor(const struct mig_party *p, char ret[13])
{
    static const enum mig_part parts[] = {MIG_EBX, MIG_ECX, MIG_EDX};

    for (size_t i = 0; i < MIG_COUNT(parts); i++) {
        if (mig_party_get(p, mig_reg_cpuid(0, 0, parts[i])) == 0) {
            return false;
        }
    }
    mig_snapshot_vendor(p->snapshot, ret);
    return true;
}

static bool is_one_vendor(const struct mig_evidence *e, struct mig_result *r)
{
    struct mig_reg reg = mig_reg_cpuid(0, 0, MIG_EBX);
    const struct mig_party *first = NULL;
    char vendor[13] = "", other[13];

    for (size_t i = 0; i < e->len; i++) {
        const struct mig_party *p = &e->parties[i];
        struct mig_finding *f;

        if (!get_vendor(p, other)) {
            continue;
        }
        if (first == NULL) {
            first = p;
            memcpy(vendor, other, sizeof vendor);
        } else if (strcmp(vendor, other) != 0) {
            f = mig_evidence_refuse(r, "x86/cpuid/0.0/ebx", MIG_REASON_HARDWARE,
                                    mig_strf("%s is %s, %s is %s: a guest that booted on one "
                                             "vendor's CPU fails on the other's",
                                             first->name, vendor, p->name, other),
                                    "choose hosts of one CPU vendor");
            if (!e->has_guest) {
                f->source = mig_party_seen(first, reg);
                f->destination = mig_party_seen(p, reg);
            }
            return false;
        }
    }
    return true;
}

bool mig_evidence_is_alike(const struct mig_evidence *e, struct mig_result *r)
{
    return is_one_arch(e, r) && is_one_vendor(e, r);
}

/* The words that every CPU model differs in.  XCR0 is none of them: its
 * components follow from the features. */
static const struct mig_reg basic_words[] = {
    MIG_PLACE_REG(pni),      MIG_PLACE_REG(fpu),     MIG_PLACE_REG(fsgsbase), MIG_PLACE_REG(pku),
    MIG_PLACE_REG(md_clear), MIG_PLACE_REG(lahf_lm), MIG_PLACE_REG(syscall),
};

/* KVM lists each of these, on every CPU and of every release. */
static const struct mig_reg basic_registers[] = {
    MIG_ARM64_PLACE(ID_AA64PFR0_EL1),  MIG_ARM64_PLACE(ID_AA64DFR0_EL1),
    MIG_ARM64_PLACE(ID_AA64ISAR0_EL1), MIG_ARM64_PLACE(ID_AA64ISAR1_EL1),
    MIG_ARM64_PLACE(ID_AA64MMFR0_EL1), MIG_ARM64_PLACE(ID_AA64MMFR1_EL1),
    MIG_ARM64_PLACE(ID_AA64MMFR2_EL1),
};

/* Is @reg known to be what it is, or beyond the highest leaf that is stated?
 * No list of arm64 registers is complete without those that are asked for. */
static bool is_told(const struct mig_party *p, struct mig_reg reg)
{
    struct mig_seen highest;

    if (reg.space == MIG_SPACE_IDREG) {
        return mig_party_seen(p, reg).known == MIG_KNOWN;
    }
    highest = mig_party_seen(p, mig_reg_cpuid(reg.index & UINT32_C(0x80000000), 0, MIG_EAX));
    return mig_seen_is_value(mig_party_seen(p, reg)) ||
           (highest.known == MIG_KNOWN && highest.value < reg.index);
}

/* A move asks of the destination what the guest was shown, and nothing of the
 * source; a profile asks all hosts for all. */
static bool is_asked(const struct mig_evidence *e, size_t i, struct mig_reg reg)
{
    return !e->has_guest || is_guest(e, i) ||
           (i == e->len - 1 && mig_judge_depends(&e->parties[0], reg));
}

static void refuse_untold(const struct mig_evidence *e, size_t i, const char *untold,
                          struct mig_result *r)
{
    bool guest = is_guest(e, i), is_arm64 = e->parties[i].snapshot->arch == MIG_ARCH_ARM64;
    const char *again =
        is_arm64 ? "record the contract with a VMM that shows its ID registers, or check the list "
                   "that KVM's debugfs has of its VM (idregs)"
                 : "record the contract with a VMM that shows its CPUID, or check a dump taken in "
                   "the guest (cpuid -r)";
    char id[MIG_FIELD_ID_MAX];

    (void)snprintf(id, sizeof id, "%s/features/%.48s", guest ? "guest" : "host",
                   e->parties[i].name);
    (void)mig_evidence_refuse(
        r, id, MIG_REASON_EVIDENCE,
        mig_strf("the evidence of %s does not tell %s: no answer about features stands behind that",
                 e->parties[i].name, untold),
        guest ? again : "capture the host with mig-agentd");
}

/* A policy may tolerate that a host does not tell; what the guest was shown is
 * the question itself. */
static bool tells_features(const struct mig_evidence *e, size_t i, struct mig_result *r)
{
    bool is_arm64 = e->parties[i].snapshot->arch == MIG_ARCH_ARM64;
    enum mig_group group = is_arm64 ? MIG_GROUP_IDREG : MIG_GROUP_CPUID;
    const struct mig_reg *basic = basic_words;
    size_t len = MIG_COUNT(basic_words);
    bool all, tolerated = e->choice->tolerate[group] && !is_guest(e, i);
    struct mig_text untold = {0};

    if (is_arm64) {
        basic = basic_registers;
        len = MIG_COUNT(basic_registers);
    }
    for (size_t w = 0; !tolerated && w < len; w++) {
        char text[MIG_REG_TEXT_MAX];

        if (is_asked(e, i, basic[w]) && !is_told(&e->parties[i], basic[w])) {
            mig_reg_print(basic[w], text);
            mig_text_addf(&untold, "%s%s", untold.len > 0 ? ", " : "", text);
        }
    }
    all = untold.len == 0;
    if (!all) {
        refuse_untold(e, i, untold.items, r);
    }
    mig_text_clear(&untold);
    return all;
}

static bool names_cpu(const struct mig_party *p)
{
    char vendor[13];

    return p->snapshot->arch == MIG_ARCH_ARM64
               ? mig_party_seen(p, mig_reg_arm64(MIG_ARM64_MIDR_EL1)).known == MIG_KNOWN
               : get_vendor(p, vendor);
}

/* Without the vendor, or the rules of the architecture, there is no answer
 * that evidence stands behind. */
static bool is_judgeable(const struct mig_evidence *e, struct mig_result *r)
{
    enum mig_arch arch = e->parties[0].snapshot->arch;
    const char *where = arch == MIG_ARCH_ARM64 ? "MIDR_EL1" : "leaf 0";
    bool all = true;

    if (arch == MIG_ARCH_NONE) {
        (void)mig_evidence_refuse(
            r, "coverage/arch", MIG_REASON_EVIDENCE,
            mig_strf("no rules for %s hosts: their registers are captured and shown, not judged",
                     mig_arch_name(arch)),
            "see 'migctl diff' for what differs; do not move guests on this answer");
        return false;
    }
    for (size_t i = 0; i < (e->emulated ? 1 : e->len); i++) {
        if (!names_cpu(&e->parties[i])) {
            MIG_AUTO(mig_free)
            char *again = mig_strf("record the contract again, with %s", where);
            char id[MIG_FIELD_ID_MAX];

            (void)snprintf(id, sizeof id, "%s/vendor/%.48s", is_guest(e, i) ? "guest" : "host",
                           e->parties[i].name);
            (void)mig_evidence_refuse(
                r, id, MIG_REASON_EVIDENCE,
                mig_strf("the evidence of %s does not say whose CPU it is (%s)", e->parties[i].name,
                         where),
                is_guest(e, i) ? again : "capture the host with mig-agentd");
            all = false;
        } else {
            all = tells_features(e, i, r) && all;
        }
    }
    return all;
}

static bool has_entries(const struct mig_party *p, enum mig_space space)
{
    size_t len;

    (void)mig_snapshot_space(p->snapshot, space, &len);
    return len > 0;
}

/* Hyper-V leaves: of a guest that has them, or where they are asked for. */
static bool is_for_windows(const struct mig_evidence *e)
{
    for (size_t i = 0; i < e->choice->allow_len; i++) {
        if (!e->has_guest && strcmp(e->choice->allow[i], "hyperv") == 0) {
            return true;
        }
    }
    return e->has_guest && has_entries(&e->parties[0], MIG_SPACE_CPUID_HV);
}

/* Groups of a host that a verdict speaks about. */
static bool is_judged_of_host(const struct mig_evidence *e, enum mig_group group)
{
    enum mig_arch arch = e->parties[0].snapshot->arch;

    if (e->emulated && group != MIG_GROUP_VIRTIO) {
        return false;
    }
    switch (group) {
    case MIG_GROUP_KVM_VIEW:
    case MIG_GROUP_CAP:
        return true;
    case MIG_GROUP_CPUID:
    case MIG_GROUP_MSR:
    case MIG_GROUP_TSC:
        return arch == MIG_ARCH_X86;
    case MIG_GROUP_MSR_LIST:
        return arch == MIG_ARCH_X86 &&
               (!e->has_guest || has_entries(&e->parties[0], MIG_SPACE_MSR_LIST));
    case MIG_GROUP_IDREG:
    case MIG_GROUP_REG_LIST:
    case MIG_GROUP_ARM64:
        return arch == MIG_ARCH_ARM64;
    case MIG_GROUP_CPUID_HV:
        return is_for_windows(e);
    case MIG_GROUP_VIRTIO:
        return e->has_guest && has_entries(&e->parties[0], MIG_SPACE_VIRTIO);
    case MIG_GROUP_CPUID_BARE:
    case MIG_GROUP_CPUID_EMULATED:
    case MIG_GROUP_SOFTWARE:
    case MIG_GROUP_GUEST:
    case MIG_GROUP_IDREG_MASK:
    case MIG_GROUP_COUNT:
        break;
    }
    return false;
}

static bool is_judged_of_guest(const struct mig_evidence *e, enum mig_group group)
{
    bool is_x86 = e->parties[0].snapshot->arch == MIG_ARCH_X86;

    /* An emulator makes the counter up from the time of any host. */
    return group == MIG_GROUP_GUEST ||
           (is_x86 && (group == MIG_GROUP_CPUID || group == MIG_GROUP_MSR ||
                       (group == MIG_GROUP_TSC && !e->emulated))) ||
           (!is_x86 && group == MIG_GROUP_IDREG);
}

/* Who lacks a group, and what is to be done. */
struct lack {
    struct mig_text hosts; /* "alpha, beta" */
    bool guest, unreadable;
};

static void find_lack(const struct mig_evidence *e, enum mig_group group, struct lack *ret)
{
    for (size_t i = 0; i < e->len; i++) {
        enum mig_coverage c = e->parties[i].snapshot->groups[group].coverage;
        bool judged = is_guest(e, i) ? is_judged_of_guest(e, group) : is_judged_of_host(e, group);

        if (!judged || c == MIG_COVER_FULL) {
            continue;
        }
        ret->unreadable = ret->unreadable || c == MIG_COVER_UNREADABLE;
        if (is_guest(e, i)) {
            ret->guest = true;
        } else {
            mig_text_addf(&ret->hosts, "%s%s", ret->hosts.len > 0 ? ", " : "", e->parties[i].name);
        }
    }
}

static void tell_lack(const struct mig_evidence *e, enum mig_group group, const struct lack *lack,
                      struct mig_result *r)
{
    const char *hosts = lack->hosts.len > 0 ? lack->hosts.items : NULL;
    const char *guest = lack->guest ? e->parties[0].name : NULL;
    char id[MIG_FIELD_ID_MAX];
    struct mig_finding *f;

    r->partial = true;
    r->uncovered[group] = true;
    (void)snprintf(id, sizeof id, "coverage/%s", mig_group_name(group));
    f = mig_findings_add(&r->findings, id, MIG_WARNING);
    f->rule = "coverage";
    f->reason = MIG_REASON_EVIDENCE;
    f->why = mig_strf("%s of %s%s%s: %s",
                      lack->unreadable ? "a capture failed, no complete evidence"
                                       : "no complete evidence",
                      guest != NULL ? guest : hosts, guest != NULL && hosts != NULL ? ", " : "",
                      guest != NULL && hosts != NULL ? hosts : "", mig_group_why(group));
    if (hosts == NULL) {
        f->remedy = mig_strf("its VMM does not show it: record the contract of %s with one that "
                             "does, or tolerate the group by policy",
                             guest);
    } else if (lack->unreadable) {
        f->remedy = mig_strf("see the error in 'migctl snapshot show'; mig-agentd on %s needs "
                             "access to KVM's device",
                             hosts);
    } else {
        f->remedy = mig_strf("capture %s with mig-agentd instead of a dump", hosts);
    }
}

/* Nobody can tell more of this guest, so nobody is asked to. */
static bool is_silent(const struct mig_evidence *e, enum mig_group group, const struct lack *lack)
{
    static const struct {
        const char *vmm, *source;
        enum mig_group group;
    } rows[] = {
#define SILENT(vmm, group, source) {vmm, source, MIG_GROUP_##group},
#include "compat/vmm_silent.def"
    };
    const char *vmm = mig_snapshot_fact(e->parties[0].snapshot, "vmm.name");

    for (size_t i = 0; lack->guest && lack->hosts.len == 0 && vmm != NULL && i < MIG_COUNT(rows);
         i++) {
        if (rows[i].group == group && strcmp(rows[i].vmm, vmm) == 0) {
            return true;
        }
    }
    return false;
}

bool mig_evidence_is_enough(const struct mig_evidence *e, struct mig_result *r)
{
    bool enough = is_judgeable(e, r);

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        enum mig_group group = (enum mig_group)g;
        struct lack lack = {0};

        find_lack(e, group, &lack);
        if (lack.guest || lack.hosts.len > 0) {
            tell_lack(e, group, &lack, r);
            if ((lack.unreadable || e->choice->require_complete) && !e->choice->tolerate[group] &&
                (lack.unreadable || !is_silent(e, group, &lack))) {
                enough = false;
            }
        }
        mig_text_clear(&lack.hosts);
    }
    return enough;
}
