/* Board to hub: the Outbox of a board (shared/myocan/wire/outbox.py) against the Inbox of the hub
 * (inbox.py), over links that lose, double, delay and reorder, past crashes of either end.
 *
 * The one idea: an event has an identity, 1 to EVENTS, that no frame's number can stand for. So the
 * model sees when one is taken twice, out of order or never, whatever the numbers say.
 *
 * Two ways to run it; the steps of board and hub are the same:
 *   (nothing)  safety. A frame once sent is in the air for good: it arrives now, later, again, or
 *              never, and in any order.
 *   -DLIVE     liveness. Links are queues that lose and double until `fair`; the claim `drains`
 *              says that from then on everything arrives and is counted.
 *
 * -DMUTANT_x is a design that one could have come to; tests/models/README.md lists them. */

#ifndef EVENTS
#define EVENTS 3         /* at most 4 */
#endif
#ifndef CAPACITY
#define CAPACITY 2       /* messages that the board holds */
#endif
#ifndef BOOTS
#define BOOTS 2          /* boot numbers that can be drawn, at most 3; REBOOTS + 1 are needed */
#endif
#ifndef CRASHES
#define CRASHES 1        /* power cuts of the hub */
#endif
#ifndef REBOOTS
#define REBOOTS 1        /* of the board */
#endif
#ifndef RESTORES
#define RESTORES 0       /* the hub's store is put back to an earlier copy, or lost */
#endif
#define WINDOW 2
#define TOP (EVENTS + 1) /* one more than the highest number */

/* ------------------------------------------------------------------ the board */

byte boot = 0;           /* Outbox.boot */
byte base = 1;           /* Outbox.base */
byte next = 1;           /* Outbox._next */
byte oldest = 1;         /* the events held are oldest .. newest - 1, in order */
byte newest = 1;
byte life = 0;           /* how often the board has started again */
byte life_of[EVENTS + 1];
byte drawn = 1;          /* boot numbers below have been in use */
bool answered = false;   /* Outbox._answered */
byte dropped = 0;        /* events thrown away in this life; what `lost` of a base says */
bool given_up[EVENTS + 1];   /* thrown away, or dead with the board */
byte missed = 0;         /* events of this life that were thrown away and are not in the log */

/* ------------------------------------------------------------------ the hub */

bool known[BOOTS];       /* Inbox._boots */
byte last[BOOTS];        /* _Boot.last: taken */
byte synced[BOOTS];      /* _Boot.synced */
byte said[BOOTS];        /* _Boot.base: as the board said last */
bool taken[EVENTS + 1];  /* in the log */
bool known_disk[BOOTS];  /* the same, as the disk has it */
byte last_disk[BOOTS];
bool taken_disk[EVENTS + 1];
bool ever[EVENTS + 1];   /* was on a disk of the hub once, whatever became of that disk */
byte counted = 0;        /* lost messages of this life that the log tells of */
byte counted_disk = 0;
byte known_lost = 0;     /* _Boot.lost of this life's boot; NOBODY after a start of the hub */
#define NOBODY 255

byte crashes = 0, reboots = 0, restores = 0;
byte i;                  /* scratch, 0 between steps */

/* ------------------------------------------------------------------ links */

#ifdef LIVE
mtype = { BASE, DATA };
chan up = [2] of { mtype, byte, byte, byte };  /* kind, boot, base or seq, lost or event */
chan down = [1] of { byte, byte };             /* boot, seq */
bool fair = false;
bool owed = false;       /* _Boot.owed of the board's boot */
byte acked = 0;          /* _Boot.acked */
#define SEND_DATA(s, e) skip
#define SEND_BASE skip
#define SEND_ACK(b) skip
#else
int data_air[BOOTS];     /* a bit for each number and event: this message may arrive */
byte base_air[BOOTS];
byte ack_air[BOOTS];
#define DATA_BIT(s, e) (1 << (((s) - 1) * EVENTS + (e) - 1))
#define BASE_BIT(x) (1 << ((x) - 1))
#define ACK_BIT(s) (1 << (s))
#define SEND_DATA(s, e) data_air[boot] = data_air[boot] | DATA_BIT(s, e)
#define SEND_BASE base_air[boot] = base_air[boot] | BASE_BIT(base)
#define SEND_ACK(b) ack_air[b] = ack_air[b] | ACK_BIT(SYNCED(b))
#endif

#ifdef MUTANT_ACK_WRITTEN
#define SYNCED(b) last[b]                /* what is taken is acknowledged, though not on the disk */
#else
#define SYNCED(b) synced[b]
#endif

#ifdef MUTANT_BOOTS_MIXED
#define PLACE(b) 0                       /* one position for the board, whatever its boot */
#else
#define PLACE(b) (b)
#endif

inline recount() {
  missed = 0;
  i = 1;
  do
  :: i <= EVENTS -> missed = missed + (given_up[i] && !taken[i] && life_of[i] == life); i++
  :: else -> break
  od;
  i = 0
}

/* ------------------------------------------------------------------ steps of the board */

/* Outbox._forget by overflow: the oldest goes, and with it a number, so that the hub learns of it
 * from `base` even if it was away and forgot what `lost` was (rule 7). */
inline overflow() {
  given_up[oldest] = true;
  oldest++;
  dropped++;
  recount();
#ifdef MUTANT_UNNUMBERED_LOSS
  if :: base < next -> base++ :: else -> skip fi
#else
#ifdef MUTANT_SILENT_OVERFLOW
  if :: base == next -> next++; base++ :: else -> skip fi  /* its number is left to nobody */
#else
  if :: base == next -> next++ :: else -> skip fi;
  base++
#endif
#endif
}

/* Outbox.push(keep="all") */
inline push() {
  if :: newest - oldest == CAPACITY -> overflow() :: else -> skip fi;
  life_of[newest] = life;
  newest++;
  SEND_BASE
}

#ifdef MUTANT_UNASKED
#define MAY_SEND true                    /* messages go out before the hub has answered */
#else
#define MAY_SEND answered
#endif
#define HAS_NEW (MAY_SEND && next - base < newest - oldest && next - base < WINDOW)
#define EVENT_OF(s) (oldest + (s) - base)

/* Outbox.sendable: the next message gets its number */
inline number_next() {
  next++;
  SEND_DATA(next - 1, EVENT_OF(next - 1))
}

/* Outbox._start_over and a start of the board: another boot number, numbers from 1 on */
inline begin_boot(b) {
  boot = b;
  base = 1;
  next = 1;
  answered = false;
  known_lost = 0;
  SEND_BASE
}

/* Outbox.on_ack */
inline take_ack(s) {
  if
#ifdef MUTANT_NEVER_TAKEN
  :: s >= next -> answered = true;       /* what was never sent counts as delivered */
     do :: oldest < newest && base <= s -> assert(ever[oldest]); oldest++; base++ :: else -> break od;
     if :: next < base -> next = base :: else -> skip fi
#else
  :: s >= next && drawn < BOOTS -> begin_boot(drawn); drawn++;
#endif
  :: else ->
     answered = true;
     do
     :: s >= base && oldest < newest ->
          assert(ever[oldest]);          /* forgotten by the board, so it is on the hub's disk */
          oldest++;
          base++
     :: else -> break
     od;
     SEND_BASE
  fi
}

/* ------------------------------------------------------------------ steps of the hub */

/* An event goes into the log, in the transaction that has its position. */
inline log_event(e) {
  assert(!taken[e]);                     /* exactly once */
  taken[e] = true;
  i = 1;
  do
  :: i < e -> assert(taken[i] || given_up[i] || ever[i]); i++  /* nothing skipped */
  :: i > e && i <= EVENTS -> assert(!taken[i] || life_of[i] != life_of[e]); i++  /* in order */
  :: i == e -> i++
  :: else -> break
  od;
  recount()
}

/* Inbox.on_message, rules 3 and 7 */
#ifdef MUTANT_TAKE_GAPS
#define IS_NEXT(b, s) ((s) > last[PLACE(b)])
#else
#define IS_NEXT(b, s) ((s) == last[PLACE(b)] + 1)
#endif
#define IN_WINDOW(b, s) ((s) < SYNCED(PLACE(b)) + 1 + WINDOW || (s) < said[PLACE(b)] + WINDOW)
#ifdef MUTANT_DATA_MAKES_KNOWN
#define TAKES(b, s) (!known[PLACE(b)] || (IS_NEXT(b, s) && IN_WINDOW(b, s)))
#else
#define TAKES(b, s) (known[PLACE(b)] && IS_NEXT(b, s) && IN_WINDOW(b, s))
#endif
inline take_data(b, s, e) {
#ifdef MUTANT_DATA_MAKES_KNOWN
  if :: !known[PLACE(b)] -> known[PLACE(b)] = true; said[PLACE(b)] = s; synced[PLACE(b)] = s - 1
     :: else -> skip fi;
#endif
  last[PLACE(b)] = s;
  log_event(e);
#ifdef MUTANT_ACK_WRITTEN
  SEND_ACK(b)
#endif
}

/* Inbox.on_base, rules 2 and 4 */
inline take_base(b, x, gone) {
  if
  :: !known[PLACE(b)] ->
       known[PLACE(b)] = true;
       last[PLACE(b)] = x - 1;
       synced[PLACE(b)] = x - 1;
       if :: b == boot -> counted = counted + gone; known_lost = gone :: else -> skip fi
  :: else ->
       i = 0;
       if :: x > last[PLACE(b)] + 1 ->
#ifdef MUTANT_BASE_ONLY_OPENS
            skip                         /* only a boot that is unknown learns where to start */
#else
            i = x - 1 - last[PLACE(b)];
            last[PLACE(b)] = x - 1
#endif
       :: else -> skip
       fi;
#ifndef MUTANT_SKIP_UNRECORDED
       if :: b == boot ->
            if :: known_lost != NOBODY && gone > known_lost + i -> i = gone - known_lost
               :: else -> skip fi;
            counted = counted + i;
            known_lost = gone
          :: else -> skip fi;
#endif
       i = 0
  fi;
  said[PLACE(b)] = (x > said[PLACE(b)] -> x : said[PLACE(b)]);
  SEND_ACK(PLACE(b))
}
#define BASE_TELLS(b, x) (!known[PLACE(b)] || (x) > last[PLACE(b)] + 1 || (x) > said[PLACE(b)])

/* Syncer: what is written is on the disk now; Inbox.synced */
inline sync() {
  do
  :: i < BOOTS -> last_disk[i] = last[i]; known_disk[i] = known[i]; synced[i] = last[i];
       if :: known[i] -> SEND_ACK(i) :: else -> skip fi;
       i++
  :: else -> break
  od;
  i = 1;
  do :: i <= EVENTS -> taken_disk[i] = taken[i]; ever[i] = ever[i] || taken[i]; i++
     :: else -> break od;
  counted_disk = counted;
  i = 0
}
#define SETTLED(b) (last[b] == last_disk[b] && known[b] == known_disk[b])
#define UNSYNCED (!SETTLED(0) || !SETTLED(BOOTS - 1) || !SETTLED(BOOTS / 2))

/* Inbox.__init__ after a power cut: only what is on the disk counts (rule 5). */
inline come_back() {
  i = 0;
  do
  :: i < BOOTS ->
#ifndef MUTANT_POSITION_SURVIVES
       last[i] = last_disk[i];
#endif
       known[i] = known_disk[i]; synced[i] = last[i]; said[i] = last[i] + 1;
       if :: known[i] -> SEND_ACK(i) :: else -> skip fi;
       i++
  :: else -> break
  od;
#ifndef MUTANT_LOG_SURVIVES
  i = 1;
  do :: i <= EVENTS -> taken[i] = taken_disk[i]; i++ :: else -> break od;
#endif
  counted = counted_disk;
  known_lost = NOBODY;
  recount()
}

/* The board starts again: what it held is gone. It draws a boot number; if that was in use before,
 * frames of then have long left the net (31 random bits: see README.md). */
inline reboot(b) {
  do :: oldest < newest -> given_up[oldest] = true; oldest++ :: else -> break od;
  life++;
  dropped = 0;
  missed = 0;
  counted = 0;
  counted_disk = 0;
  begin_boot(b)
}

#ifndef LIVE
/* ------------------------------------------------------------------ safety */

bool known_old[BOOTS];   /* a copy of the store */
byte last_old[BOOTS];
bool taken_old[EVENTS + 1];
bool copied = false;

inline copy_store() {
  copied = true;
  do :: i < BOOTS -> known_old[i] = known_disk[i]; last_old[i] = last_disk[i]; i++
     :: else -> break od;
  i = 1;
  do :: i <= EVENTS -> taken_old[i] = taken_disk[i]; i++ :: else -> break od;
  i = 0
}

/* Back to the copy; an empty one is a store that was lost. */
inline restore() {
  restores++;
  do :: i < BOOTS -> known_disk[i] = known_old[i]; last_disk[i] = last_old[i]; i++
     :: else -> break od;
  i = 1;
  do :: i <= EVENTS -> taken_disk[i] = taken_old[i]; i++ :: else -> break od;
  i = 0;
  come_back()
}

/* No frame of this number is in the air any more, and all that the hub has of it is synced. */
inline leave_the_net(b) {
  data_air[b] = 0;
  base_air[b] = 0;
  ack_air[b] = 0
}

#define DATA_ARRIVES(b, s, e) \
  :: d_step { (data_air[b] & DATA_BIT(s, e)) && TAKES(b, s) -> take_data(b, s, e) }
#define BASE_ARRIVES(b, x) \
  :: d_step { (base_air[b] & BASE_BIT(x)) && BASE_TELLS(b, x) -> take_base(b, x, 0) }
#define ACK_TELLS(s) (((s) >= base || !answered) && ((s) < next || drawn < BOOTS))
#define ACK_ARRIVES(b, s) \
  :: d_step { b == boot && (ack_air[b] & ACK_BIT(s)) && ACK_TELLS(s) -> take_ack(s) }
#if EVENTS == 4
#define NUMBER_ARRIVES(b, s) DATA_ARRIVES(b, s, 1) DATA_ARRIVES(b, s, 2) \
  DATA_ARRIVES(b, s, 3) DATA_ARRIVES(b, s, 4) BASE_ARRIVES(b, s) ACK_ARRIVES(b, s)
#define BOOT_ARRIVES(b) ACK_ARRIVES(b, 0) NUMBER_ARRIVES(b, 1) NUMBER_ARRIVES(b, 2) \
  NUMBER_ARRIVES(b, 3) NUMBER_ARRIVES(b, 4) BASE_ARRIVES(b, 5)
#else
#define NUMBER_ARRIVES(b, s) DATA_ARRIVES(b, s, 1) DATA_ARRIVES(b, s, 2) \
  DATA_ARRIVES(b, s, 3) BASE_ARRIVES(b, s) ACK_ARRIVES(b, s)
#define BOOT_ARRIVES(b) ACK_ARRIVES(b, 0) NUMBER_ARRIVES(b, 1) NUMBER_ARRIVES(b, 2) \
  NUMBER_ARRIVES(b, 3) BASE_ARRIVES(b, 4)
#endif
#define DRAWS_AGAIN(b) \
  :: d_step { reboots < REBOOTS && b < drawn && SETTLED(b) -> \
       reboots++; leave_the_net(b); reboot(b) }

active proctype World() {
  d_step { SEND_BASE };
end:
  do
  :: d_step { newest <= EVENTS -> push() }
  :: d_step { HAS_NEW -> number_next() }
  BOOT_ARRIVES(0)
  BOOT_ARRIVES(1)
#if BOOTS == 3
  BOOT_ARRIVES(2)
#endif
  :: d_step { UNSYNCED -> sync() }
  :: d_step { crashes < CRASHES -> crashes++; come_back() }
  :: d_step { reboots < REBOOTS && drawn < BOOTS -> reboots++; drawn++; reboot(drawn - 1) }
#if RESTORES == 0        /* both at once would be two accidents in the same second: README.md */
  DRAWS_AGAIN(0)
  DRAWS_AGAIN(1)
#endif
  :: d_step { RESTORES > 0 && !copied -> copy_store() }
  :: d_step { restores < RESTORES -> restore() }
  od
}

#else
/* ------------------------------------------------------------------ liveness */

#define DRAINED (newest > EVENTS && oldest == newest && counted >= missed)
ltl drains { (<> fair) -> (<> DRAINED) }

active proctype Ports() {                /* what happens on the board's pins */
  do :: d_step { newest <= EVENTS -> push() } :: newest > EVENTS -> break od
}

byte at = 1;             /* Outbox._sent: the number that goes out next in this resend */

active proctype Sender() {               /* Outbox.sendable, time-out after time-out */
  do
  :: d_step { nfull(up) ->
#ifndef MUTANT_BASE_ONCE
       up!BASE(boot, base, dropped);
#else
       if :: !answered && at == 1 -> up!BASE(boot, base, dropped); at = 2 :: else -> skip fi;
#endif
#ifndef MUTANT_NO_RESEND
       at = base
#endif
     };
     do
     :: d_step { nfull(up) && at >= base && at < next && answered ->
          up!DATA(boot, at, EVENT_OF(at)); at++ }
     :: d_step { at < base -> at = base }
     :: d_step { at == next && HAS_NEW -> number_next() }
     :: at >= base && !(at < next && answered) && !(at == next && HAS_NEW) -> break
     od
  od
}

active proctype Receiver() {
  byte b, n;
  do
  :: d_step { down?b,n -> if :: b == boot -> take_ack(n) :: else -> skip fi; b = 0; n = 0 }
  od
}

active proctype Hub() {
  mtype kind;
  byte b, n, e;
  do
  :: d_step { up?kind,b,n,e ->
       if
       :: kind == BASE ->
            take_base(b, n, e);
#ifndef MUTANT_BASE_UNANSWERED
            owed = true
#endif
       :: kind == DATA && TAKES(b, n) -> take_data(b, n, e)
       :: else -> owed = true
       fi;
       kind = 0; b = 0; n = 0; e = 0 }
  od
}

active proctype Syncer() {
  do :: d_step { UNSYNCED -> sync() } od
}

active proctype Acknowledger() {         /* Inbox.acks; in the code it is the hub's loop, too */
  do
  :: d_step { nfull(down) && known[PLACE(boot)] && (owed || SYNCED(PLACE(boot)) != acked) ->
       owed = false; acked = SYNCED(PLACE(boot)); down!boot,acked }
  od
}

active proctype Trouble() {
  mtype kind;
  byte b, n, e;
  do
  :: d_step { nempty(up) -> up?kind,b,n,e; kind = 0; b = 0; n = 0; e = 0 }       /* lost for good */
  :: d_step { nempty(down) -> down?b,n; b = 0; n = 0 }
  :: d_step { nempty(up) && nfull(up) -> up?<kind,b,n,e>; up!kind,b,n,e; kind = 0; b = 0; n = 0; e = 0 }
  :: d_step { answered -> answered = false }                                      /* a new link */
  :: d_step { crashes < CRASHES -> crashes++; come_back(); owed = true }
  :: d_step { reboots < REBOOTS && drawn < BOOTS -> reboots++; drawn++; reboot(drawn - 1) }
  :: fair = true; break
  od
}
#endif
