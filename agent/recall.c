/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/recall.h"

#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "snapshot/builder.h"

struct memory {
    char *name, *value, *source; /* source is NULL until learned */
    int errnum;
    struct mig_mark expected, mark;
};

struct mig_recall {
    struct memory *items;
    size_t len, cap;
};

struct mig_recall *mig_recall_new(void)
{
    return MIG_NEW(struct mig_recall);
}

static void forget(struct memory *m)
{
    mig_free(m->value);
    mig_free(m->source);
    m->value = NULL;
    m->source = NULL;
}

void mig_recall_free(struct mig_recall *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->len; i++) {
        forget(&r->items[i]);
        mig_free(r->items[i].name);
    }
    mig_free(r->items);
    mig_free(r);
}

static struct memory *find(const struct mig_recall *r, const char *name)
{
    for (size_t i = 0; i < r->len; i++) {
        if (strcmp(r->items[i].name, name) == 0) {
            return &r->items[i];
        }
    }
    return NULL;
}

static bool same(const struct mig_mark *a, const struct mig_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

void mig_recall_expect(struct mig_recall *r, const char *name, const struct mig_mark *mark)
{
    struct memory *m = find(r, name);

    if (m == NULL) {
        m = MIG_PUSH(r);
        m->name = mig_strdup(name);
    }
    m->expected = *mark;
}

static const struct mig_fact *fact_of(const struct mig_snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->facts_len; i++) {
        if (strcmp(s->facts[i].name, name) == 0) {
            return &s->facts[i];
        }
    }
    return NULL;
}

void mig_recall_learn(struct mig_recall *r, const struct mig_snapshot *s)
{
    for (size_t i = 0; i < r->len; i++) {
        struct memory *m = &r->items[i];
        const struct mig_fact *fact = fact_of(s, m->name);

        if (fact != NULL && (m->source == NULL || !same(&m->mark, &m->expected))) {
            forget(m);
            m->value = mig_strdup(fact->value);
            m->source = mig_strdup(fact->source);
            m->errnum = fact->errnum;
            m->mark = m->expected;
        }
    }
}

bool mig_recall_add(const struct mig_recall *r, struct mig_builder *b, const char *name,
                    const struct mig_mark *mark)
{
    const struct memory *m = r == NULL ? NULL : find(r, name);

    if (m == NULL || m->source == NULL || !same(&m->mark, mark)) {
        return false;
    }
    if (m->errnum != 0) {
        mig_builder_add_unreadable_fact(b, name, m->errnum, m->source);
    } else {
        mig_builder_add_fact(b, name, m->value, m->source);
    }
    return true;
}

bool mig_mark_get(int root, const char *path, struct mig_mark *ret)
{
    struct stat st;

    if (fstatat(root, path + strspn(path, "/"), &st, 0) != 0 || !S_ISREG(st.st_mode)) {
        return false;
    }
    *ret = (struct mig_mark){
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = (uint64_t)st.st_size,
        .changed_s = st.st_ctim.tv_sec,
        .changed_ns = st.st_ctim.tv_nsec,
    };
    return true;
}
