/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_proxy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "pact/contract.h"
#include "support/check.h"
#include "support/chv.h"
#include "support/guest.h"

/*
 * A script is what happens, a log what the proxy does about it.  Script words:
 * "s:Start" the sender says so, "r:ok" the receiver, "1s:Memory" on lane 1,
 * "approve", "refuse", "accept".  Log words: ">Start" goes to the receiver,
 * "<ok" to the sender, ">4" content, ">pad4", "close<", "connect1".
 */
struct stand {
    struct mig_chv_proxy *proxy;
    struct mig_text log;
    size_t step; /* bytes at a time */
    char *config, *state;
    char content[32]; /* where content went last, "" after anything else */
    size_t content_len;
};

static void say(struct stand *s, const char *word)
{
    if (s->content_len > 0) {
        mig_text_addf(&s->log, "%s%zu ", s->content, s->content_len);
        s->content_len = 0;
    }
    if (*word != '\0') {
        mig_text_addf(&s->log, "%s ", word);
    }
}

static void log_write(struct stand *s, const struct mig_chv_action *a)
{
    MIG_AUTO(mig_free)
    char *arrow = a->lane > 0 ? mig_strf("%u%s", a->lane, a->side == MIG_CHV_SENDER ? "<" : ">")
                              : mig_strf("%s", a->side == MIG_CHV_SENDER ? "<" : ">");
    /* On the lane for faults, 2 in these scripts, the receiver asks. */
    bool answer = (a->side == MIG_CHV_SENDER) != (a->lane == 2);
    MIG_AUTO(mig_free) char *word = NULL;

    if (a->head_len == 0) {
        if (strcmp(s->content, arrow) != 0) {
            say(s, "");
        }
        (void)snprintf(s->content, sizeof s->content, "%s", arrow);
        s->content_len += a->len;
        return;
    }
    word = a->head_len == MIG_CHV_ROLE_BYTES ? mig_strf("%srole%d", arrow, a->head[0])
           : answer
               ? mig_strf("%s%s", arrow, a->head[0] == MIG_CHV_OK ? "ok" : "error")
               : mig_strf("%s%s%s", arrow, mig_chv_command_name((enum mig_chv_command)a->head[0]),
                          a->fd >= 0 ? "+fd" : "");
    say(s, word);
}

static const char *lane_name(unsigned lane)
{
    static const char *const names[] = {"", "1", "2", "3"};

    return names[lane < 4 ? lane : 3];
}

static void log_action(struct stand *s, const struct mig_chv_action *a)
{
    const char *lane = lane_name(a->lane), *arrow = a->side == MIG_CHV_SENDER ? "<" : ">";
    MIG_AUTO(mig_free) char *word = NULL;

    switch (a->act) {
    case MIG_CHV_WRITE:
        log_write(s, a);
        mig_fd_close(a->fd);
        return;
    case MIG_CHV_PAD:
        word = mig_strf("%s%spad%zu", lane, arrow, a->len);
        break;
    case MIG_CHV_CONNECT:
        word = mig_strf("connect%s", lane);
        break;
    case MIG_CHV_CLOSE:
        word = mig_strf("%sclose%s", lane, arrow);
        break;
    case MIG_CHV_JUDGE_CONFIG:
        check_number("config", strlen(s->config), a->len);
        word = mig_strdup("judge-config");
        break;
    case MIG_CHV_JUDGE_STATE:
        check_number("state", strlen(s->state), a->len);
        word = mig_strdup("judge-state");
        break;
    case MIG_CHV_HANDED_OVER:
        word = mig_strdup("handed-over");
        break;
    case MIG_CHV_FINISH:
        word = mig_strf("%s(%s)", mig_chv_outcome_name(a->outcome), a->reason);
        break;
    }
    say(s, word);
}

static void drain(struct stand *s)
{
    struct mig_chv_action a;

    while (mig_chv_proxy_next(s->proxy, &a)) {
        log_action(s, &a);
    }
}

static void give(struct stand *s, unsigned lane, enum mig_chv_side side, const void *bytes,
                 size_t len, int fd)
{
    for (size_t at = 0; at < len;) {
        size_t some = len - at < s->step ? len - at : s->step;

        mig_chv_proxy_take(s->proxy, lane, side, (const unsigned char *)bytes + at, some, fd);
        drain(s);
        at += some;
        fd = -1;
    }
}

struct word {
    const char *name;
    const char *bytes;
    size_t len;
};
#define W(name, bytes)                                                                             \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1                                                             \
    }
#define ZERO6 "\0\0\0\0\0\0"
#define HEAD(number, len) number "\0" ZERO6 len "\0\0\0\0\0\0\0"
#define TABLE "\0\x10" ZERO6 "\4\0" ZERO6

/* Byte by byte as the protocol has it. */
/* clang-format off */
static const struct word words[] = {
    W("Start", HEAD("\1", "\0")),
    W("Start1", "\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    W("Memory", HEAD("\4", "\20") TABLE "abcd"),
    W("MemoryCut", HEAD("\4", "\20") TABLE "a"),
    W("MemoryOut", HEAD("\4", "\20") "\0\0" ZERO6 "\4\0" ZERO6),
    W("bcd", "bcd"),
    W("Complete", HEAD("\5", "\0")),
    W("CompletePaused", HEAD("\10", "\0")),
    W("Abandon", HEAD("\6", "\0")),
    W("Fault", HEAD("\11", "\20") TABLE),
    W("page", "\1\0" ZERO6 "\4\0" ZERO6 "abcd"),
    W("halfpage", "\1\0" ZERO6 "\4\0" ZERO6 "ab"),
    W("ok", HEAD("\1", "\0")),
    W("error", HEAD("\2", "\0")),
    W("junk", "\x63junkjunkjunkjun"),
    W("half", "\3\0\0"),
    W("role1", "\1\0"),
    W("role2", "\2\0"),
    W("role9", "\11\0"),
    W("BadConfig", HEAD("\2", "\2") "{}"),
    W("LongState", "\3\0" ZERO6 "\0\0\x30\1\0\0\0\0"),
    W("BadState", HEAD("\3", "\2") "{}"),
};
/* clang-format on */

static void give_document(struct stand *s, enum mig_chv_command command, const char *text)
{
    unsigned char head[MIG_CHV_HEAD_BYTES];

    mig_chv_request_put(command, strlen(text), head);
    give(s, 0, MIG_CHV_SENDER, head, sizeof head, -1);
    give(s, 0, MIG_CHV_SENDER, text, strlen(text), -1);
}

/* "Fd1" with a descriptor, "Slot1" without. */
static void give_fd(struct stand *s, const char *name)
{
    bool with = mig_text_starts(name, "Fd");
    unsigned char head[MIG_CHV_HEAD_BYTES];
    unsigned char slot[4] = {(unsigned char)(name[strlen(name) - 1] - '0')};

    mig_chv_request_put(MIG_CHV_MEMORY_FD, sizeof slot, head);
    give(s, 0, MIG_CHV_SENDER, head, sizeof head, -1);
    give(s, 0, MIG_CHV_SENDER, slot, sizeof slot, with ? open("/dev/null", O_RDONLY) : -1);
}

static void do_say(struct stand *s, unsigned lane, enum mig_chv_side side, const char *name)
{
    if (strcmp(name, "end") == 0) {
        mig_chv_proxy_end(s->proxy, lane, side);
        drain(s);
    } else if (strcmp(name, "Config") == 0) {
        give_document(s, MIG_CHV_CONFIG, s->config);
    } else if (strcmp(name, "State") == 0) {
        give_document(s, MIG_CHV_STATE, s->state);
    } else if (mig_text_starts(name, "Fd") || mig_text_starts(name, "Slot")) {
        give_fd(s, name);
    } else if (strcmp(name, "fd") == 0) {
        give(s, lane, side, "\1", 1, open("/dev/null", O_RDONLY));
    } else if (strcmp(name, "fdStart") == 0) {
        give(s, lane, side, words[0].bytes, words[0].len, open("/dev/null", O_RDONLY));
    } else {
        size_t i = 0;

        while (strcmp(words[i].name, name) != 0) {
            i++;
            check_true(name, i < sizeof words / sizeof *words);
        }
        give(s, lane, side, words[i].bytes, words[i].len, -1);
    }
}

static void do_word(struct stand *s, const char *word)
{
    unsigned lane = *word >= '0' && *word <= '9' ? (unsigned)(*word++ - '0') : 0;

    if (strcmp(word, "approve") == 0) {
        mig_chv_proxy_approve(s->proxy);
    } else if (strcmp(word, "refuse") == 0) {
        say(s, mig_chv_proxy_refuse(s->proxy, "no") ? "" : "too-late");
    } else if (strcmp(word, "accept") == 0) {
        unsigned got = mig_chv_proxy_accept(s->proxy);

        say(s, got == MIG_CHV_NO_LANE ? "turned-away" : "");
    } else {
        do_say(s, lane, word[0] == 's' ? MIG_CHV_SENDER : MIG_CHV_RECEIVER, word + 2);
    }
    drain(s);
}

/* The caller frees the log. */
static char *play(const char *script, size_t step)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *guest = guest_small("avx2");
    MIG_AUTO(mig_free) char *rest = mig_strdup(script);
    struct stand s = {.proxy = mig_chv_proxy_new(), .step = step};
    char *place = NULL;

    s.config = chv_config(guest->shown, 2, "");
    s.state = chv_state(guest->shown, 2, 7);
    for (char *w = strtok_r(rest, " ", &place); w != NULL; w = strtok_r(NULL, " ", &place)) {
        do_word(&s, w);
    }
    say(&s, "");
    mig_chv_proxy_free(s.proxy);
    mig_free(s.config);
    mig_free(s.state);
    return s.log.items != NULL ? s.log.items : mig_strdup("");
}

struct scene {
    const char *label, *script, *log;
};

/* However the bytes are cut. */
static void check_scene(const struct scene *c)
{
    static const size_t steps[] = {1, 7, SIZE_MAX};

    CHECK_EACH (step, steps) {
        MIG_AUTO(mig_free) char *got = play(c->script, *step);

        check_text(c->label, c->log, got);
    }
}

#define CONFIGURED "s:Start r:ok s:Config approve r:ok "
#define CONFIGURED_LOG ">Start <ok judge-config >Config <ok "
#define RESTORED CONFIGURED "s:Memory r:ok s:State approve r:ok "
#define RESTORED_LOG CONFIGURED_LOG ">Memory >4 <ok judge-state >State <ok "

CHECK_TEST(a_guest_that_is_approved_goes_through)
{
    /* clang-format off */
    static const struct scene cases[] = {
        {"running", RESTORED "s:Complete r:ok s:end r:end ",
         RESTORED_LOG ">Complete <ok handed-over close> moved() "},
        {"paused", RESTORED "s:CompletePaused r:ok r:end s:end ",
         RESTORED_LOG ">CompletePaused <ok handed-over close< moved() "},
        {"pages before the guest, and no more then",
         CONFIGURED "accept accept 2s:role2 s:State approve 2r:Fault 2s:page 2r:end r:ok s:Complete r:ok s:end ",
         CONFIGURED_LOG "connect2 2>role2 judge-state >State 2<PageFault 2>ok 2>4 2close< <ok >Complete <ok handed-over "
                        "1close< close> moved() "},
        {"many rounds",
         CONFIGURED "s:Memory r:ok s:Memory r:ok s:State approve r:ok s:Complete r:ok s:end ",
         CONFIGURED_LOG ">Memory >4 <ok >Memory >4 <ok judge-state >State <ok >Complete <ok "
                        "handed-over close> moved() "},
        {"no memory at all", CONFIGURED "s:State approve r:ok s:Complete r:ok s:end ",
         CONFIGURED_LOG "judge-state >State <ok >Complete <ok handed-over close> moved() "},
        {"descriptors, kept until it is approved",
         "s:Start r:ok s:Fd0 s:Fd1 s:Config approve r:ok r:ok r:ok s:State approve r:ok "
         "s:Complete r:ok s:end ",
         ">Start <ok <ok <ok judge-config >MemoryFd+fd >MemoryFd+fd >Config <ok judge-state "
         ">State <ok >Complete <ok handed-over close> moved() "},
        {"memory on connections of its own",
         CONFIGURED "accept 1s:role1 accept 2s:role1 1s:Memory 1r:ok 1s:end s:State approve r:ok "
                    "s:Complete r:ok s:end ",
         CONFIGURED_LOG "connect1 1>role1 connect2 2>role1 1>Memory 1>4 1<ok 1close> judge-state "
                        ">State <ok >Complete <ok handed-over 2close< 2close> close> moved() "},
        {"pages after the guest",
         CONFIGURED "accept accept 2s:role2 s:State approve 2r:Fault 2s:page r:ok s:Complete r:ok "
                    "2r:Fault 2s:page 2r:end s:end ",
         CONFIGURED_LOG "connect2 2>role2 judge-state >State 2<PageFault 2>ok 2>4 <ok >Complete "
                        "<ok handed-over 1close< 2<PageFault 2>ok 2>4 2close< close> moved() "},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        check_scene(c);
    }
}

CHECK_TEST(a_guest_that_is_refused_stays)
{
    /* clang-format off */
    static const struct scene cases[] = {
        {"at Config", "s:Start r:ok s:Config refuse r:ok ",
         ">Start <ok judge-config <error close< >Abandon close> refused(no) "},
        {"at Config, with descriptors", "s:Start r:ok s:Fd0 s:Config refuse r:ok ",
         ">Start <ok <ok judge-config <error close< >Abandon close> refused(no) "},
        {"at State", CONFIGURED "s:Memory r:ok s:State refuse r:ok ",
         CONFIGURED_LOG ">Memory >4 <ok judge-state <error close< >Abandon close> refused(no) "},
        {"by a deadline before Start", "refuse r:ok ", "close< >Abandon close> refused(no) "},
        {"by a deadline while memory comes", CONFIGURED "s:MemoryCut refuse r:ok r:ok ",
         CONFIGURED_LOG ">Memory >1 <error >pad3 close< >Abandon close> refused(no) "},
        {"by a deadline while memory is answered", CONFIGURED "s:Memory refuse r:ok r:ok ",
         CONFIGURED_LOG ">Memory >4 <error close< >Abandon close> refused(no) "},
        {"twice", "s:Start r:ok s:Config refuse refuse approve r:ok ",
         ">Start <ok judge-config <error close< >Abandon close> refused(no) "},
        {"with memory on its own connections",
         CONFIGURED "accept 1s:role1 1s:MemoryCut refuse r:ok ",
         CONFIGURED_LOG "connect1 1>role1 1>Memory 1>1 close< 1<error 1>pad3 1close< 1close> "
                        ">Abandon close> refused(no) "},
        {"and the receiver does not answer", "s:Start r:ok s:Config refuse r:end ",
         ">Start <ok judge-config <error close< >Abandon refused(no; the destination did not confirm that it dropped the guest) "},
        {"and the receiver babbles", "s:Start r:ok s:Config refuse r:junk ",
         ">Start <ok judge-config <error close< >Abandon close> refused(no; the destination did not confirm that it dropped the guest) "},
        {"and the receiver answers with an error", "s:Start r:ok s:Config refuse r:error ",
         ">Start <ok judge-config <error close< >Abandon close> refused(no) "},
        {"too late", RESTORED "s:Complete refuse r:ok refuse s:end refuse ",
         RESTORED_LOG ">Complete too-late <ok handed-over too-late close> moved() too-late "},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        check_scene(c);
    }
}

#define PARTED "close< >Abandon close> "

/* The sender goes away at every message. */
CHECK_TEST(a_source_that_goes_leaves_nothing_open)
{
    /* clang-format off */
    static const struct scene cases[] = {
        {"before Start", "s:end r:ok ", ">Abandon close> failed(source: closed the connection before Start) "},
        {"in a head", "s:half s:end r:ok ", ">Abandon close> failed(source: closed the connection before Start) "},
        {"in Start", "s:Start s:end r:ok r:ok ",
         ">Start >Abandon close> failed(source: closed the connection during Start) "},
        {"before Config", "s:Start r:ok s:end r:ok ",
         ">Start <ok >Abandon close> failed(source: closed the connection before Config) "},
        {"with descriptors kept", "s:Start r:ok s:Fd0 s:end r:ok ",
         ">Start <ok <ok >Abandon close> failed(source: closed the connection before Config) "},
        {"while Config is judged", "s:Start r:ok s:Config s:end approve r:ok ",
         ">Start <ok judge-config >Abandon close> failed(source: closed the connection during Config) "},
        {"while descriptors go ahead", "s:Start r:ok s:Fd0 s:Config approve s:end r:ok r:ok ",
         ">Start <ok <ok judge-config >MemoryFd+fd >Abandon close> failed(source: closed the connection during Config) "},
        {"in Config", "s:Start r:ok s:Config approve s:end r:ok r:ok ",
         ">Start <ok judge-config >Config >Abandon close> failed(source: closed the connection during Config) "},
        {"before memory", CONFIGURED "s:end r:ok ",
         CONFIGURED_LOG ">Abandon close> failed(source: closed the connection before State) "},
        {"in memory", CONFIGURED "s:MemoryCut s:end r:ok r:ok ",
         CONFIGURED_LOG ">Memory >1 >pad3 >Abandon close> failed(source: closed the connection during Memory) "},
        {"in memory of an extra", CONFIGURED "accept 1s:role1 1s:MemoryCut 1s:end r:ok ",
         CONFIGURED_LOG "connect1 1>role1 1>Memory 1>1 close< 1>pad3 1close> >Abandon close> failed(source: closed a connection for memory too early) "},
        {"while State is judged", CONFIGURED "s:State s:end r:ok ",
         CONFIGURED_LOG "judge-state >Abandon close> failed(source: closed the connection during State) "},
        {"in State", CONFIGURED "s:State approve s:end r:ok r:ok ",
         CONFIGURED_LOG "judge-state >State >Abandon close> failed(source: closed the connection during State) "},
        {"before Complete", RESTORED "s:end r:ok ",
         RESTORED_LOG ">Abandon close> failed(source: closed the connection before Complete) "},
        {"by itself", CONFIGURED "s:Abandon r:ok ",
         CONFIGURED_LOG ">Abandon <ok close< close> failed(source: gave up) "},
        {"in Complete, which is answered", RESTORED "s:Complete s:end r:ok ",
         RESTORED_LOG ">Complete close> uncertain(source: closed the connection during Complete; the destination has the guest, the source was not told) "},
        {"in Complete, which fails", RESTORED "s:Complete s:end r:error ",
         RESTORED_LOG ">Complete close> failed(source: closed the connection during Complete; the destination did not take the guest) "},
        {"in Complete, and so does the other", RESTORED "s:Complete s:end r:end ",
         RESTORED_LOG ">Complete uncertain(destination: closed the connection during Complete) "},
        {"before its pages went", CONFIGURED "accept accept 2s:role2 s:State approve r:ok s:Complete r:ok 2r:Fault 2s:end ",
         CONFIGURED_LOG "connect2 2>role2 judge-state >State <ok >Complete <ok handed-over 1close< 2<PageFault close< close> 2close> "
         "torn(source: closed a connection for page faults too early) "},
        {"with pages under way", CONFIGURED "accept accept 2s:role2 s:State approve 2r:Fault 2s:halfpage 2s:end r:ok r:ok ",
         CONFIGURED_LOG "connect2 2>role2 judge-state >State 2<PageFault 2>ok 2>2 <error close< 1close< 2close> >Abandon close> "
         "failed(source: closed a connection for page faults too early) "},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        check_scene(c);
    }
}

CHECK_TEST(a_destination_that_goes_leaves_the_guest_at_its_source)
{
    /* clang-format off */
    static const struct scene cases[] = {
        {"before Start", "r:end ", "close< failed(destination: closed the connection before Start) "},
        {"in Start", "s:Start r:end ", ">Start <error close< failed(destination: closed the connection during Start) "},
        {"refuses Start", "s:Start r:error ", ">Start <error close< close> failed(destination: answers Start with an error) "},
        {"while Config is judged", "s:Start r:ok s:Config r:end approve ",
         ">Start <ok judge-config <error close< failed(destination: closed the connection during Config) "},
        {"refuses a descriptor", "s:Start r:ok s:Fd0 s:Config approve r:error ",
         ">Start <ok <ok judge-config >MemoryFd+fd <error close< close> failed(destination: answers MemoryFd with an error) "},
        {"refuses Config", "s:Start r:ok s:Config approve r:error ",
         ">Start <ok judge-config >Config <error close< close> failed(destination: answers Config with an error) "},
        {"refuses memory before it has all", CONFIGURED "s:MemoryCut r:error ",
         CONFIGURED_LOG ">Memory >1 <error >pad3 close< close> failed(destination: answers Memory with an error) "},
        {"in memory", CONFIGURED "s:MemoryCut r:end ",
         CONFIGURED_LOG ">Memory >1 <error close< failed(destination: closed the connection during Memory) "},
        {"refuses memory of an extra", CONFIGURED "accept 1s:role1 1s:Memory 1r:error r:ok ",
         CONFIGURED_LOG "connect1 1>role1 1>Memory 1>4 close< 1<error 1close< 1close> >Abandon close> failed(destination: answers Memory with an error) "},
        {"refuses State", CONFIGURED "s:State approve r:error ",
         CONFIGURED_LOG "judge-state >State <error close< close> failed(destination: answers State with an error) "},
        {"refuses Complete", RESTORED "s:Complete r:error ",
         RESTORED_LOG ">Complete <error close< close> failed(destination: answers Complete with an error) "},
        {"in Complete", RESTORED "s:Complete r:end ",
         RESTORED_LOG ">Complete close< uncertain(destination: closed the connection during Complete) "},
        {"babbles in Complete", RESTORED "s:Complete r:junk ",
         RESTORED_LOG ">Complete close< close> uncertain(destination: answer with status 27235, expected 1 or 2) "},
        {"says OK unasked", "r:ok r:ok ", PARTED "failed(destination: answers what was not asked) "},
        {"says OK too early", CONFIGURED "s:MemoryCut r:ok r:ok r:ok ",
         CONFIGURED_LOG ">Memory >1 <error >pad3 " PARTED "failed(destination: answers Memory before it has all of it) "},
        {"asks for pages before it has the state", CONFIGURED "accept accept 2s:role2 2r:Fault r:ok ",
         CONFIGURED_LOG "connect2 2>role2 close< 1close< 2close< 2close> >Abandon close> "
         "failed(destination before State: PageFault at a point where it may not come) "},
        {"does not let an extra in", CONFIGURED "accept 1s:role1 1r:end ",
         CONFIGURED_LOG "connect1 1>role1 1close< "},
        {"does not let faults in", CONFIGURED "accept accept 2s:role2 2r:end r:ok ",
         CONFIGURED_LOG "connect2 2>role2 close< 1close< 2close< >Abandon close> failed(destination: closed a connection for page faults too early) "},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        check_scene(c);
    }
}

CHECK_TEST(what_is_out_of_place_goes_no_further)
{
    /* clang-format off */
    static const struct scene cases[] = {
        {"another protocol", "s:Start1 r:ok ",
         "<error " PARTED "refused(source before Start: Start: protocol version 1, expected 0) "},
        {"Config first", "s:BadConfig r:ok ",
         "<error " PARTED "refused(source before Start: Config at a point where it may not come) "},
        {"no command", "s:junk r:ok ", "<error " PARTED "refused(source before Start: command 27235 is none that is known) "},
        {"memory before Config", "s:Start r:ok s:Memory r:ok ",
         ">Start <ok <error " PARTED "refused(source before Config: Memory at a point where it may not come) "},
        {"memory before Config is approved", "s:Start r:ok s:Config s:Memory r:ok ",
         ">Start <ok judge-config <error " PARTED "refused(source: went on before Config was answered) "},
        {"memory that the guest has not", CONFIGURED "s:MemoryOut r:ok ",
         CONFIGURED_LOG "<error " PARTED "refused(source before State: Memory: 0x4 bytes at 0x0 are not all memory of the guest) "},
        {"memory after State", RESTORED "s:Memory r:ok ",
         RESTORED_LOG "<error " PARTED "refused(source before Complete: Memory at a point where it may not come) "},
        {"Complete before State", CONFIGURED "s:Complete r:ok ",
         CONFIGURED_LOG "<error " PARTED "refused(source before State: Complete at a point where it may not come) "},
        {"a descriptor after Config", CONFIGURED "s:Slot0 r:ok ",
         CONFIGURED_LOG "<error " PARTED "refused(source before State: MemoryFd at a point where it may not come) "},
        {"no descriptor", "s:Start r:ok s:Slot0 r:ok ",
         ">Start <ok <error " PARTED "refused(source: MemoryFd: no descriptor came with slot 0) "},
        {"a slot twice", "s:Start r:ok s:Fd0 s:Fd0 r:ok ",
         ">Start <ok <ok <error " PARTED "refused(source: MemoryFd: slot 0 is there twice) "},
        {"a slot that is none", "s:Start r:ok s:Fd5 s:Config r:ok ",
         ">Start <ok <ok <error " PARTED "refused(source: MemoryFd: slot 5 is none of its Config) "},
        {"a Config of nothing", "s:Start r:ok s:BadConfig r:ok ",
         ">Start <ok <error " PARTED "refused(source: Config: key 'vm_config' is missing) "},
        {"a State of nothing", CONFIGURED "s:BadState r:ok ",
         CONFIGURED_LOG "<error " PARTED "refused(source: State: key 'snapshots' is missing) "},
        {"a State too long for its vCPUs", CONFIGURED "s:LongState r:ok ",
         CONFIGURED_LOG "<error " PARTED "refused(source before State: State of 19922944 bytes, at most 18874368 are allowed) "},
        {"an extra before Config", "s:Start r:ok accept ", ">Start <ok turned-away "},
        {"an extra while it is judged", "s:Start r:ok s:Config accept ", ">Start <ok judge-config turned-away "},
        {"an extra before the receiver agrees", "s:Start r:ok s:Config approve accept ",
         ">Start <ok judge-config >Config turned-away "},
        {"an extra after State", RESTORED "accept ", RESTORED_LOG "turned-away "},
        {"a stranger who says nothing", CONFIGURED "accept 1s:end ", CONFIGURED_LOG},
        {"an unknown role", CONFIGURED "accept 1s:role9 r:ok ",
         CONFIGURED_LOG "close< 1<error 1close< >Abandon close> refused(source before State: connection of role 9, expected 1 or 2) "},
        {"State on an extra", CONFIGURED "accept 1s:role1 1s:Complete r:ok ",
         CONFIGURED_LOG "connect1 1>role1 close< 1<error 1close< 1close> >Abandon close> refused(source before State: Complete has no place on this connection) "},
        {"memory on an extra after State", CONFIGURED "accept 1s:role1 s:State 1s:Memory r:ok ",
         CONFIGURED_LOG "connect1 1>role1 judge-state <error close< 1<error 1close< 1close> >Abandon close> "
         "refused(source before State: Memory at a point where it may not come) "},
        {"faults twice", CONFIGURED "accept accept 2s:role2 accept 3s:role2 r:ok ",
         CONFIGURED_LOG "connect2 2>role2 close< 1close< 2close< 2close> 3close< >Abandon close> refused(source: a second connection for page faults) "},
        {"something after Complete", RESTORED "s:Complete r:ok s:Complete ",
         RESTORED_LOG ">Complete <ok handed-over close< close> moved(source after Complete: Complete at a point where it may not come) "},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        check_scene(c);
    }
}

CHECK_TEST(a_descriptor_is_taken_from_its_message_alone)
{
    /* clang-format off */
    static const struct scene cases[] = {
        {"from the destination", "s:Start r:ok r:fd r:ok ",
         ">Start <ok " PARTED "failed(destination: a descriptor that no message claims) "},
        {"with Start", "s:fdStart r:ok ", "<error " PARTED "refused(source: a descriptor came with Start) "},
        {"in the middle of nothing", CONFIGURED "s:fd s:end r:ok ",
         CONFIGURED_LOG ">Abandon close> failed(source: closed the connection before State) "},
        {"on an extra", CONFIGURED "accept 1s:role1 1s:fd r:ok ",
         CONFIGURED_LOG "connect1 1>role1 close< 1close< 1close> >Abandon close> refused(source: a descriptor that no message claims) "},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        check_scene(c);
    }
}

/* At most what the protocol has, strangers included. */
CHECK_TEST(there_are_only_so_many_connections)
{
    MIG_AUTO(mig_text_clear) struct mig_text script = {0}, log = {0};
    MIG_AUTO(mig_free) char *got = NULL;

    mig_text_add(&script, CONFIGURED);
    mig_text_add(&log, CONFIGURED_LOG);
    for (int i = 0; i < MIG_CHV_CONNECTIONS_MAX + 1; i++) {
        mig_text_add(&script, "accept ");
    }
    mig_text_add(&script, "accept ");
    mig_text_add(&log, "turned-away ");
    got = play(script.items, SIZE_MAX);
    check_text("connections", log.items, got);
}

/* One word of a random script; approve only what is asked. */
static void do_any(struct stand *s, const char *word, bool *judged, bool *extra)
{
    const char *log = s->log.items != NULL ? s->log.items : "";
    bool asked = mig_text_ends(log, "judge-config ") || mig_text_ends(log, "judge-state ");

    if (strcmp(word, "approve") == 0 && !asked) {
        return;
    }
    if (word[0] == '1' && !*extra) {
        return;
    }
    *judged = *judged || strcmp(word, "approve") == 0;
    do_word(s, word);
    if (strcmp(word, "accept") == 0) {
        say(s, "");
        *extra = *extra || !mig_text_ends(s->log.items, "turned-away ");
    }
}

/* Whatever is said in whatever order, no byte of memory goes by before the
 * first judgement. */
CHECK_TEST(any_order_of_events_keeps_the_gate)
{
    static const char *const any[] = {"s:Start",    "r:ok",   "s:Config", "approve",   "s:Memory",
                                      "s:State",    "s:end",  "r:error",  "r:end",     "refuse",
                                      "s:Complete", "accept", "1s:role1", "1s:Memory", "1r:ok",
                                      "1s:end",     "s:Fd0",  "s:junk",   "s:Abandon"};
    static const char *const good[] = {"s:Start", "r:ok",     "s:Config",  "approve",
                                       "r:ok",    "s:Memory", "r:ok",      "s:State",
                                       "approve", "r:ok",     "s:Complete"};
    unsigned seed = 1;

    for (int run = 0; run < 300; run++) {
        MIG_AUTO(mig_contract_free) struct mig_contract *guest = guest_small("avx2");
        struct stand s = {.proxy = mig_chv_proxy_new(), .step = SIZE_MAX};
        bool judged = false, extra = false;

        s.config = chv_config(guest->shown, 1, "");
        s.state = chv_state(guest->shown, 1, 7);
        for (size_t i = 0; i < 30; i++) {
            bool behaves = rand_r(&seed) % 4 != 0;
            size_t at = (size_t)rand_r(&seed);

            do_any(&s,
                   behaves ? good[i % (sizeof good / sizeof *good)]
                           : any[at % (sizeof any / sizeof *any)],
                   &judged, &extra);
            check_true("gate", judged || mig_chv_proxy_memory(s.proxy) == 0);
        }
        mig_chv_proxy_free(s.proxy);
        mig_text_clear(&s.log);
        mig_free(s.config);
        mig_free(s.state);
    }
}

CHECK_MAIN(cmocka_unit_test(a_guest_that_is_approved_goes_through),
           cmocka_unit_test(a_guest_that_is_refused_stays),
           cmocka_unit_test(a_source_that_goes_leaves_nothing_open),
           cmocka_unit_test(a_destination_that_goes_leaves_the_guest_at_its_source),
           cmocka_unit_test(what_is_out_of_place_goes_no_further),
           cmocka_unit_test(a_descriptor_is_taken_from_its_message_alone),
           cmocka_unit_test(there_are_only_so_many_connections),
           cmocka_unit_test(any_order_of_events_keeps_the_gate))
