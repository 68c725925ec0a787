/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mig.h: libmig for virtual machine monitors: what may a guest be shown, show
 * it, write down what it was shown, and may it run there?  See libmig(3).
 *
 *   first boot      libmig_profile_read(), libmig_cpu_of_profile(),
 *                   libmig_apply_...(), libmig_contract_capture()
 *   coming guest    libmig_contract_open(), libmig_contract_expect(),
 *                   libmig_agreement_open(), libmig_agreement_expect(),
 *                   libmig_judge(), libmig_cpu_of_contract(), libmig_apply_...()
 *
 * Errors.  A function that can fail gives an enum libmig_code as an int:
 * LIBMIG_OK is 0, so any other is true.  @err gets the same code and a text;
 * it may be NULL.  @ret is written on success only.  A difference between a
 * guest and a host is no error: it is listed in a verdict or by an application,
 * with LIBMIG_DIFFERS where nobody could miss it.
 *
 * Ownership.  What a function gives through a @ret of two stars, or returns
 * from a function named ..._of_..., belongs to the caller, who frees it with the
 * free function of its type.  Arguments are borrowed for the call alone.  Text
 * that is returned, or stands in a struct, lives as long as the handle that it
 * came from.  Free functions take NULL; no other handle may be NULL.
 *
 * Threads.  There is no global state, and nothing is printed.  Two threads may
 * use two handles at once; one handle is used by one thread at a time, except
 * that functions that take it as const may run side by side.
 *
 * Memory.  Inputs are bounded before anything is allocated for them; when the
 * machine has no more memory, and for a bug of the library, the process is
 * ended by abort(), which a VMM that must not die catches by calling from a
 * child process.
 *
 * Promise.  Names, values and layouts of one soname do not change; new
 * functions get a new symbol version.  Fields named reserved are 0.  Agreements
 * between two hosts are not in this version.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LIBMIG_MUST_CHECK __attribute__((warn_unused_result))
#else
#define LIBMIG_MUST_CHECK
#endif

#define LIBMIG_VERSION_MAJOR 0
#define LIBMIG_VERSION_MINOR 1
#define LIBMIG_VERSION_PATCH 0

/* Of the library that runs: "0.1.0". */
const char *libmig_version(void);
/* Of its tables of registers: contracts and hosts state the one they were
 * captured with. */
uint32_t libmig_table_version(void);

/* -- errors -- */

enum libmig_code {
    LIBMIG_OK = 0,
    LIBMIG_DIFFERS = 1,        /* KVM does not show what it was told to; see the list */
    LIBMIG_ERROR_USAGE = 2,    /* the caller may not do that */
    LIBMIG_ERROR_FORMAT = 3,   /* input is malformed */
    LIBMIG_ERROR_LIMIT = 4,    /* input exceeds a limit */
    LIBMIG_ERROR_TRUST = 5,    /* evidence can not be verified */
    LIBMIG_ERROR_STALE = 6,    /* evidence is too old, not yet valid or replayed */
    LIBMIG_ERROR_MISSING = 7,  /* it is not there */
    LIBMIG_ERROR_IO = 8,       /* a file, a device or a descriptor could not be used */
    LIBMIG_ERROR_SPACE = 9,    /* the caller's buffer is too small; its size was set */
    LIBMIG_ERROR_GUEST = 10,   /* the contract is of another guest or another instance */
    LIBMIG_ERROR_INTERNAL = 11 /* anything else */
};

#define LIBMIG_ERROR_TEXT_MAX 508

struct libmig_error {
    int32_t code;                     /* enum libmig_code */
    char text[LIBMIG_ERROR_TEXT_MAX]; /* one line, outermost context first; "" for LIBMIG_OK */
};

/* "input is malformed"; never NULL. */
const char *libmig_code_text(int code);

/* Text and bytes that this library gave away. */
void libmig_free(void *p);

/* -- whom to believe -- */

struct libmig_trust;

/* @ca_file: PEM, one or several authorities.  @crl_file may be NULL. */
LIBMIG_MUST_CHECK int libmig_trust_load(const char *ca_file, const char *crl_file,
                                        struct libmig_trust **ret, struct libmig_error *err);
void libmig_trust_free(struct libmig_trust *trust);

/* How far evidence can be believed. */
enum libmig_evidence {
    LIBMIG_EVIDENCE_UNSIGNED = 0, /* anyone may have written it */
    LIBMIG_EVIDENCE_FILED = 1,    /* signed by an agent, earlier */
    LIBMIG_EVIDENCE_REPLAYED = 2, /* an agent speaks for a host that is offline */
    LIBMIG_EVIDENCE_LIVE = 3,     /* signed by an agent for this request */
    LIBMIG_EVIDENCE_CAPTURED = 4  /* read by this process from its own vCPU */
};

/* -- profiles: what a guest that boots is to see -- */

struct libmig_profile;

/* What "migctl baseline -o json" or "migctl negotiate -o json" prints, or its
 * profile alone.  Refused when its digest is not the one of its registers, or
 * when the verdict beside it says that some host can not show it. */
LIBMIG_MUST_CHECK int libmig_profile_read(const char *json, size_t len, struct libmig_profile **ret,
                                          struct libmig_error *err);
/* SHA-256 over its registers, 64 hex digits. */
const char *libmig_profile_digest(const struct libmig_profile *profile);
/* "x86-64-v3", "Armv8.4"; "" when it reaches none. */
const char *libmig_profile_level(const struct libmig_profile *profile);
void libmig_profile_free(struct libmig_profile *profile);

/* -- contracts: what one instance of a guest was shown at power-on -- */

struct libmig_contract;

/* A sealed contract: signature, chain, signer and every rule are checked. */
LIBMIG_MUST_CHECK int libmig_contract_open(const struct libmig_trust *trust, const void *sealed,
                                           size_t len, struct libmig_contract **ret,
                                           struct libmig_error *err);
LIBMIG_MUST_CHECK int libmig_contract_open_file(const struct libmig_trust *trust, const char *path,
                                                struct libmig_contract **ret,
                                                struct libmig_error *err);
/* The door for contract JSON, which no one has signed: anyone may have written
 * it, and a verdict about it is unknown unless LIBMIG_JUDGE_ACCEPT_UNSIGNED. */
LIBMIG_MUST_CHECK int libmig_contract_read_unsigned(const char *json, size_t len,
                                                    struct libmig_contract **ret,
                                                    struct libmig_error *err);

/* LIBMIG_ERROR_GUEST unless it is of this guest and, when @instance is not
 * NULL, of this power-on: after a power cycle the old contract is void. */
LIBMIG_MUST_CHECK int libmig_contract_expect(const struct libmig_contract *contract, const char *vm,
                                             const char *instance, struct libmig_error *err);

struct libmig_guest {
    const char *vm;       /* as the VMM calls it for good: a UUID or a name */
    const char *instance; /* new at every power-on */
    const char *host;     /* this host's agent, which will sign; NULL: nobody will */
    const char *vmm_name; /* these three may be NULL: not known */
    const char *vmm_version;
    const char *machine_type;
    const void *reserved[4];
};

/* What the guest on this vCPU is shown right now, recorded now; after the
 * registers are set and before or while it runs.  The descriptors stay the
 * caller's, no vCPU runs.  Ids: 1 to 63 printable characters without space
 * and slash. */
LIBMIG_MUST_CHECK int libmig_contract_capture(const struct libmig_guest *guest, int kvm, int vm,
                                              int vcpu, struct libmig_contract **ret,
                                              struct libmig_error *err);

/* The exact bytes that the agent of this host signs; free with libmig_free().
 * LIBMIG_ERROR_FORMAT names what an unsigned contract lacks for that. */
LIBMIG_MUST_CHECK int libmig_contract_payload(const struct libmig_contract *contract,
                                              unsigned char **ret, size_t *ret_len,
                                              struct libmig_error *err);
/* As "migctl contract show -o json"; NUL-terminated, free with libmig_free(). */
char *libmig_contract_json(const struct libmig_contract *contract);

const char *libmig_contract_vm(const struct libmig_contract *contract);
/* These are "" and 0 when an unsigned one does not say. */
const char *libmig_contract_instance(const struct libmig_contract *contract);
/* The host that has the guest: the last one it came to. */
const char *libmig_contract_holder(const struct libmig_contract *contract);
/* Seconds since 1970, UTC. */
int64_t libmig_contract_recorded_at(const struct libmig_contract *contract);
/* "vmm.name", "vmm.version", "vmm.machine-type"; NULL when it is not there. */
const char *libmig_contract_fact(const struct libmig_contract *contract, const char *name);
int libmig_contract_evidence(const struct libmig_contract *contract); /* enum libmig_evidence */
void libmig_contract_free(struct libmig_contract *contract);

/* -- agreements: two hosts' word on one move of one guest -- */

struct libmig_agreement;

/* A sealed agreement: both agents' signatures, chains, and that it is in force
 * now.  LIBMIG_ERROR_STALE when it has expired. */
LIBMIG_MUST_CHECK int libmig_agreement_open(const struct libmig_trust *trust, const void *sealed,
                                            size_t len, struct libmig_agreement **ret,
                                            struct libmig_error *err);

/* Is it on this guest, as its contract stands, and does it lead from @source to
 * @destination, names in the certificates of their agents?  NULL: any host.
 * LIBMIG_ERROR_GUEST or, of other hosts, LIBMIG_ERROR_TRUST.  Whether it was
 * used already, only the agents of both hosts know (mig-hook advance). */
LIBMIG_MUST_CHECK int libmig_agreement_expect(const struct libmig_agreement *agreement,
                                              const struct libmig_contract *contract,
                                              const char *source, const char *destination,
                                              struct libmig_error *err);

/* 64 hex digits. */
const char *libmig_agreement_id(const struct libmig_agreement *agreement);
const char *libmig_agreement_vm(const struct libmig_agreement *agreement);
const char *libmig_agreement_instance(const struct libmig_agreement *agreement);
const char *libmig_agreement_source(const struct libmig_agreement *agreement);
const char *libmig_agreement_destination(const struct libmig_agreement *agreement);
/* Seconds since 1970, UTC. */
int64_t libmig_agreement_expires_at(const struct libmig_agreement *agreement);
/* "tunnel", "vmm-tls" or "local" */
const char *libmig_agreement_data_path(const struct libmig_agreement *agreement);
void libmig_agreement_free(struct libmig_agreement *agreement);

/* -- the CPU that a guest is to see -- */

struct libmig_cpu;

/* Copies: profile and contract may be freed. */
struct libmig_cpu *libmig_cpu_of_profile(const struct libmig_profile *profile);
struct libmig_cpu *libmig_cpu_of_contract(const struct libmig_contract *contract);

/* One register by its id, as findings and "migctl explain" name it:
 * "x86/cpuid/7.0/ebx", "x86/msr/10a", "arm64/ID_AA64ISAR0_EL1".
 * LIBMIG_ERROR_MISSING when nothing is known of it. */
LIBMIG_MUST_CHECK int libmig_cpu_value(const struct libmig_cpu *cpu, const char *id, uint64_t *ret,
                                       struct libmig_error *err);

/* x86: the tables for KVM_SET_CPUID2 and KVM_SET_MSRS (linux/kvm.h), for a VMM
 * that makes the calls itself.  @own (may be NULL) is the table that the VMM made
 * for this vCPU: what is per vCPU (APIC ids, topology) is taken over from it.
 * @bytes is the size of the buffer and becomes the size that is needed;
 * LIBMIG_ERROR_SPACE when that is more, or @ret is NULL.  LIBMIG_ERROR_USAGE when
 * the CPU is not x86, or this host is not. */
struct kvm_cpuid2;
struct kvm_msrs;
LIBMIG_MUST_CHECK int libmig_cpu_cpuid(const struct libmig_cpu *cpu, const struct kvm_cpuid2 *own,
                                       struct kvm_cpuid2 *ret, size_t *bytes,
                                       struct libmig_error *err);
LIBMIG_MUST_CHECK int libmig_cpu_msrs(const struct libmig_cpu *cpu, struct kvm_msrs *ret,
                                      size_t *bytes, struct libmig_error *err);
void libmig_cpu_free(struct libmig_cpu *cpu);

/* -- show it: on descriptors of KVM that the VMM made, in this order -- */

struct libmig_apply;

enum libmig_apply_flags {
    LIBMIG_APPLY_FILTER_MSRS = 1, /* x86: deny feature MSRs that the CPU does not have */
    LIBMIG_APPLY_WITHOUT_VCPU = 2 /* arm64: the caller does KVM_ARM_VCPU_INIT itself */
};

/* One for each VM, or for each thread that makes vCPUs.  @cpu is copied.
 * LIBMIG_ERROR_USAGE: it is of another architecture. */
LIBMIG_MUST_CHECK int libmig_apply_new(const struct libmig_cpu *cpu, uint32_t flags,
                                       struct libmig_apply **ret, struct libmig_error *err);

/* LIBMIG_DIFFERS from any step: KVM refused or changed something, the rest was
 * tried all the same, and the list of mismatches has grown: the guest must not
 * run.  Other codes are no answer of KVM: a broken descriptor. */

/* Before the first vCPU of this process (AMX: permission for tiles, which can
 * not be given back). */
LIBMIG_MUST_CHECK int libmig_apply_process(struct libmig_apply *apply, int kvm,
                                           struct libmig_error *err);
/* Argument for KVM_CREATE_VM. */
unsigned long libmig_apply_vm_type(const struct libmig_apply *apply, int kvm);
/* After KVM_CREATE_VM, before its first vCPU. */
LIBMIG_MUST_CHECK int libmig_apply_vm(struct libmig_apply *apply, int kvm, int vm,
                                      struct libmig_error *err);
/* After KVM_CREATE_VCPU (arm64: and the interrupt controller), before it runs. */
LIBMIG_MUST_CHECK int libmig_apply_vcpu(struct libmig_apply *apply, int vm, int vcpu,
                                        struct libmig_error *err);
/* Read everything back and compare: the last word before the guest runs. */
LIBMIG_MUST_CHECK int libmig_apply_read_back(struct libmig_apply *apply, int vm, int vcpu,
                                             struct libmig_error *err);

#define LIBMIG_ID_MAX 128

struct libmig_mismatch {
    char id[LIBMIG_ID_MAX]; /* "x86/cpuid/7.0/ebx"; "" when it is no register */
    const char *stage;      /* "cpuid", "msr", "read-back" ...: which step; static */
    uint64_t wanted, got;   /* whole registers */
    int32_t has_got;        /* 0: it was not read */
    int32_t errnum;         /* the call failed with this errno; 0: it did not fail */
    int32_t reserved[4];
};

/* Of all steps so far. */
size_t libmig_apply_mismatches(const struct libmig_apply *apply);
/* LIBMIG_ERROR_MISSING beyond the last. */
LIBMIG_MUST_CHECK int libmig_apply_mismatch(const struct libmig_apply *apply, size_t index,
                                            struct libmig_mismatch *ret, struct libmig_error *err);
void libmig_apply_free(struct libmig_apply *apply);

/* -- hosts: what one can show a guest, as its agent captured it -- */

#define LIBMIG_NONCE_BYTES 32

struct libmig_host;

/* A sealed snapshot.  With @nonce (LIBMIG_NONCE_BYTES) it must be the answer to
 * the request that carried it, and not have expired: live.  Without (NULL) it
 * is filed. */
LIBMIG_MUST_CHECK int libmig_host_open(const struct libmig_trust *trust, const void *sealed,
                                       size_t len, const unsigned char *nonce,
                                       struct libmig_host **ret, struct libmig_error *err);
/* The door for snapshot JSON, which no one has signed; @name for messages. */
LIBMIG_MUST_CHECK int libmig_host_read_unsigned(const char *name, const char *json, size_t len,
                                                struct libmig_host **ret, struct libmig_error *err);
const char *libmig_host_name(const struct libmig_host *host);
int libmig_host_evidence(const struct libmig_host *host); /* enum libmig_evidence */
/* Seconds since it was captured; -1 when that is not known. */
int64_t libmig_host_age(const struct libmig_host *host);
void libmig_host_free(struct libmig_host *host);

/* -- may this running, or saved, guest go there? -- */

struct libmig_verdict;

enum libmig_judge_flags {
    LIBMIG_JUDGE_ACCEPT_FILED = 1,    /* hosts: not only live evidence */
    LIBMIG_JUDGE_ACCEPT_UNSIGNED = 2, /* hosts and contract: also without a signature */
    LIBMIG_JUDGE_SECURITY_WARNS = 4,  /* a lost immunity is no blocker */
    LIBMIG_JUDGE_REQUIRE_COMPLETE = 8 /* what evidence does not cover makes it unknown */
};

enum libmig_answer {
    LIBMIG_COMPATIBLE = 0,
    LIBMIG_COMPATIBLE_MASKED = 1, /* once the surplus is hidden: apply the contract */
    LIBMIG_NEEDS_POWER_CYCLE = 2,
    LIBMIG_INCOMPATIBLE = 3,
    LIBMIG_UNKNOWN = 4 /* evidence is missing or not believed */
};

/* @source is the host that has the guest, by its contract: what fails there too
 * is how it is presented, and no blocker.  NULL when only @destination is known.  @flags: enum
 * libmig_judge_flags; 0 is the strictest belief. */
LIBMIG_MUST_CHECK int libmig_judge(const struct libmig_contract *contract,
                                   const struct libmig_host *source,
                                   const struct libmig_host *destination, uint32_t flags,
                                   struct libmig_verdict **ret, struct libmig_error *err);

int libmig_verdict_answer(const struct libmig_verdict *verdict); /* enum libmig_answer */
/* "compatible-masked" */
const char *libmig_verdict_name(const struct libmig_verdict *verdict);
/* 1 when the guest may go, 0 for every other answer. */
int libmig_verdict_allows(const struct libmig_verdict *verdict);

enum libmig_severity {
    LIBMIG_NOTE = 0,
    LIBMIG_WARNING = 1,
    LIBMIG_SECURITY = 2, /* a lost immunity or mitigation */
    LIBMIG_BLOCKER = 3
};

struct libmig_seen {
    uint64_t value;
    int32_t known; /* 0: the evidence does not tell */
    int32_t reserved;
};

struct libmig_finding {
    const char *id;     /* "x86/cpuid/7.0/ebx/5", "host/tsc-khz", "trust/unsigned" */
    const char *name;   /* "avx2"; "" when it has none */
    const char *rule;   /* "and", "xsave"; "" */
    const char *reason; /* who took it away: "hardware", "kernel" ... */
    const char *why;    /* one sentence */
    const char *remedy; /* what to change where; "" when nothing is to do */
    const char *root;   /* id of the finding that this one follows from; "" */
    const void *reserved_text;
    struct libmig_seen guest, source, destination;
    int32_t severity; /* enum libmig_severity */
    int32_t reserved[7];
};

/* In the order of all of migctl's output: registers first. */
size_t libmig_verdict_findings(const struct libmig_verdict *verdict);
/* LIBMIG_ERROR_MISSING beyond the last.  Text lives as long as @verdict. */
LIBMIG_MUST_CHECK int libmig_verdict_finding(const struct libmig_verdict *verdict, size_t index,
                                             struct libmig_finding *ret, struct libmig_error *err);
void libmig_verdict_free(struct libmig_verdict *verdict);

#ifdef __cplusplus
}
#endif
