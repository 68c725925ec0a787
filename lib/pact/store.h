/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/store.h: the contracts of the guests on one host, a folder of sealed
 * files.  Whatever interrupts a writer, a reader finds the old contract or the
 * new one, and a damaged file costs nobody but its own VM.
 */
#pragma once

#include "pact/contract.h"

struct mig_trust; /* seal/key.h */

#define MIG_STORE_PATH "/var/lib/mig/contracts"
#define MIG_STORE_MAX 4096

enum mig_store_state {
    MIG_STORE_ACTIVE,   /* the guest runs here */
    MIG_STORE_INCOMING, /* it is on its way here, not yet approved */
    MIG_STORE_RETIRED,  /* it has left */
    MIG_STORE_STATE_COUNT
};

/* "active" */
const char *mig_store_state_name(enum mig_store_state state);

/* Zero-initialised is closed. */
struct mig_store {
    char *dir;
    const struct mig_trust *trust;
};

/* A contract that was verified, with the envelope it came in. */
struct mig_stored {
    enum mig_store_state state;
    struct mig_contract *contract;
    struct mig_bytes sealed;
    unsigned char digest[MIG_DIGEST_BYTES];
};

/* One line of a list; of a file that can not be used only state and vm, as its
 * name says them, and the error. */
struct mig_store_entry {
    enum mig_store_state state;
    char vm[MIG_VM_ID_MAX], instance[MIG_VM_ID_MAX];
    char recorder[MIG_NAME_MAX], holder[MIG_NAME_MAX];
    int64_t recorded_at;
    size_t hops;
    unsigned char digest[MIG_DIGEST_BYTES];
    struct mig_error error;
};

struct mig_store_list {
    struct mig_store_entry *items;
    size_t len, cap;
};

/* Removes what a writer left half done.  A folder that is not there is empty
 * until something is put.  @trust is borrowed. */
MIG_MUST_CHECK bool mig_store_open(const char *dir, const struct mig_trust *trust,
                                   struct mig_store *ret, struct mig_error *err);

/* Takes a signed contract; on disk when it returns.  An active one ends what
 * is stored of the VM's other instances, and can not change what its own
 * instance was shown: of one that is there already the longer way stays. */
MIG_MUST_CHECK bool mig_store_put(const struct mig_store *s, enum mig_store_state state,
                                  const unsigned char *sealed, size_t len, struct mig_error *err);

/* The incoming contract of @instance becomes the active one, as @sealed by the
 * host it came to.  May be done again. */
MIG_MUST_CHECK bool mig_store_activate(const struct mig_store *s, const char *vm,
                                       const char *instance, const struct mig_bytes *sealed,
                                       struct mig_error *err);

/* The guest has left.  May be done again.  Of those that have left the latest
 * MIG_STORE_MAX are kept. */
MIG_MUST_CHECK bool mig_store_retire(const struct mig_store *s, const char *vm,
                                     const char *instance, struct mig_error *err);

/* The guest did not come after all.  None waiting is fine. */
MIG_MUST_CHECK bool mig_store_turn_away(const struct mig_store *s, const char *vm,
                                        const char *instance, struct mig_error *err);

/* MIG_MISSING when there is none, MIG_STALE when it is of another instance than
 * @instance (NULL or "": any).  The caller clears @ret. */
MIG_MUST_CHECK bool mig_store_get(const struct mig_store *s, enum mig_store_state state,
                                  const char *vm, const char *instance, struct mig_stored *ret,
                                  struct mig_error *err);

/* The same of any state, in the order of the enum.  One that can not be used is
 * an error: what is stored beside it may be older. */
MIG_MUST_CHECK bool mig_store_find(const struct mig_store *s, const char *vm, const char *instance,
                                   struct mig_stored *ret, struct mig_error *err);

/* Sorted by VM and state.  The caller clears @ret in both cases. */
MIG_MUST_CHECK bool mig_store_list(const struct mig_store *s, struct mig_store_list *ret,
                                   struct mig_error *err);

/* In every state, damaged or not, @instance as above. */
MIG_MUST_CHECK bool mig_store_forget(const struct mig_store *s, const char *vm,
                                     const char *instance, struct mig_error *err);

void mig_stored_clear(struct mig_stored *s);
void mig_store_list_clear(struct mig_store_list *l);
void mig_store_close(struct mig_store *s);
static inline void mig_stored_clear_auto(struct mig_stored *s)
{
    mig_stored_clear(s);
}
static inline void mig_store_list_clear_auto(struct mig_store_list *l)
{
    mig_store_list_clear(l);
}
static inline void mig_store_close_auto(struct mig_store *s)
{
    mig_store_close(s);
}
