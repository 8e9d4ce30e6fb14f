/* Hub to board: what the Outlet of a hub (hub/myocan/hub/agent/outlet.py) says of one topic, what a
 * broker makes of it, and what the Inlet of a board (edge/myocan/edge/inlet.py) takes.
 *
 * The one idea: a value has an identity that rises with every decision of the hub, so the model sees
 * when an old one comes behind a newer one, whatever (incarnation, offset) says.
 *
 * Two ways to run it:
 *   (nothing)  safety. What was ever published may arrive now, later, again, or never, in any order:
 *              redelivery, reordering and retained values of any age are all among that.
 *   -DLIVE     liveness. Hub, broker and board with queues between them that break until `quiet`;
 *              the claim `settles` says that the board then comes to the hub's newest value, and
 *              stays there.
 *
 * -DMUTANT_x is a design that one could have come to; tests/models/README.md lists them. */

#ifndef VALUES
#define VALUES 3         /* decisions of the hub on this topic */
#endif
#ifndef ROWS
#define ROWS 4           /* offsets of the log; others than this topic take some */
#endif
#ifndef STARTS
#define STARTS 2         /* later starts of the hub, by a kill or a power cut */
#endif
#ifndef REBOOTS
#define REBOOTS 1        /* of the board */
#endif
#ifndef RESTORES
#define RESTORES 0       /* the store is put back to an earlier copy, or lost */
#endif
#ifndef BROKERS
#define BROKERS 1        /* restarts of the broker */
#endif
#define LIVES (STARTS + RESTORES + 2)
#define NEVER 255

/* ------------------------------------------------------------------ the hub and its store */

byte incarnation = 1;    /* Connection.incarnation */
byte stored = 1;         /* the store's: on disk before anything is published */
byte identity = 1;       /* Store.identity */
byte top = 0;            /* the newest offset of the log */
byte top_disk = 0;
byte value[ROWS + 1];    /* this topic's value as of each offset */
byte decided = 0;        /* the values so far are 1 .. decided */
bool undone[VALUES + 1]; /* the log that had this value is gone */
byte starts = 0, reboots = 0, restores = 0, brokers = 0;
byte said_at = 0;        /* Outlet._values: the offset that the newest value goes out with */
byte i;                  /* scratch, 0 between steps */

byte copy_top = 0;       /* an earlier copy of the store; at first an empty one */
byte copy_stored = 0;
byte copy_value[ROWS + 1];

#define NEWEST value[top]

/* ------------------------------------------------------------------ the board */

byte mark_life = 0;      /* Inlet._mark, 0: nothing yet */
byte mark_offset = 0;
byte marked = 0;         /* the value that came with the mark */
byte applied = 0;        /* what the port shows, 0: its safe value */
#ifdef FORGETFUL
byte heard_of = 1;       /* Adapter._store: it has spoken to this hub before */
#else
byte heard_of = 0;       /* Adapter._store */
#endif

#ifdef MUTANT_NO_MARKS
#define IS_NEW(l, o) true
#define IS_SAME(l, o) false
#else
#ifdef MUTANT_OFFSET_ONLY
#define IS_NEW(l, o) (mark_life == 0 || (o) > mark_offset)
#define IS_SAME(l, o) (mark_life != 0 && (o) == mark_offset)
#else
#define IS_NEW(l, o) ((l) > mark_life || ((l) == mark_life && (o) > mark_offset))
#define IS_SAME(l, o) ((l) == mark_life && (o) == mark_offset)
#endif
#endif

/* Inlet.offer */
inline offer(l, o, v) {
  if
  :: IS_NEW(l, o) ->
       /* a stale value never overwrites a newer one, unless that one was undone by a power cut */
       assert(v >= applied || undone[applied] || heard_of != identity);
       mark_life = l;
       mark_offset = o;
       marked = v;
       applied = v
  :: IS_SAME(l, o) -> assert(v == marked || heard_of != identity)  /* one place, one value */
  :: else -> skip
  fi
}

/* Adapter._take_ack: an acknowledgement tells which log it is */
inline hear_of_store() {
  if
#ifndef MUTANT_KEEP_MARKS
  :: heard_of != 0 && heard_of != identity -> mark_life = 0; mark_offset = 0; marked = 0; applied = 0
#endif
  :: else -> skip
  fi;
  heard_of = identity
}

inline reboot() {
  mark_life = 0;
  mark_offset = 0;
  marked = 0;
  applied = 0;
  heard_of = 0
}

/* ------------------------------------------------------------------ links */

#ifdef LIVE
mtype = { VALUE, STATUS };
chan pub = [2] of { mtype, byte, byte, byte };  /* hub to broker: kind, life, offset, value */
chan sub = [2] of { byte, byte, byte };         /* broker to board: life, offset, value */
bool online = false;     /* Connection.online */
bool introduced = false; /* this life of the hub has asked the broker which one it remembers */
bool subscribed = false; /* the board is connected */
bool quiet = false;
byte kept_life = 0;      /* the broker's retained value */
byte kept_offset = 0;
byte kept_value = 0;
byte kept_status = 0;    /* the hub's retained status: an incarnation */
byte old_life = 0;       /* what the broker has on its own disk */
byte old_offset = 0;
byte old_value = 0;
byte old_status = 0;
#define PUBLISH(l, o, v) skip
#else
int air[LIVES + 1];      /* for each incarnation a bit for each offset and value: it may arrive */
byte highest = 1;        /* the newest incarnation that the broker has heard of */
#define BIT(o, v) (1 << ((o) * VALUES + (v) - 1))
#define PUBLISH(l, o, v) if :: v > 0 -> air[l] = air[l] | BIT(o, v) :: else -> skip fi
#endif

/* ------------------------------------------------------------------ steps of the hub */

/* Agent._append and Outlet.frame: the log has it, then it goes out, whether or not it is synced */
inline decide() {
  decided++;
  top++;
  value[top] = decided;
  said_at = top;
  PUBLISH(incarnation, said_at, NEWEST)
}

inline log_something_else() {
  top++;
  value[top] = value[top - 1]
}

/* Store.begin_incarnation */
inline begin_incarnation(at_least) {
#ifdef MUTANT_SAME_INCARNATION
  skip
#else
#ifdef MUTANT_INCARNATION_UNSYNCED
  incarnation = (stored > at_least -> stored : at_least) + 1;  /* `stored` follows with a sync */
#else
  stored = (stored > at_least -> stored : at_least) + 1;
  incarnation = stored
#endif
#endif
}

/* Agent._recover: the values again, all at the log's end (Outlet.remember), in a life of their own */
inline start() {
  said_at = top;
#ifdef LIVE
  introduced = false
#else
  skip
#endif
}
#ifdef MUTANT_VALUES_OF_OLD_LIFE
#define LIFE_OF_VALUES (incarnation > 1 && said_at <= top_disk -> incarnation - 1 : incarnation)
#else
#define LIFE_OF_VALUES incarnation
#endif

/* The log is cut back to what `upto` says. */
inline cut_log(upto) {
  i = upto + 1;
  do
  :: i <= top -> if :: value[i] > value[upto] -> undone[value[i]] = true :: else -> skip fi;
       value[i] = 0; i++
  :: else -> break
  od;
  i = 0;
  top = upto
}

inline power_cut() {
  cut_log(top_disk);
  begin_incarnation(0);
  start()
}

inline sync() {
  top_disk = top;
#ifdef MUTANT_INCARNATION_UNSYNCED
  stored = incarnation;
#endif
}

inline copy_store() {
  copy_top = top_disk;
  copy_stored = stored;
  i = 0;
  do :: i <= ROWS -> copy_value[i] = (i <= top_disk -> value[i] : 0); i++ :: else -> break od;
  i = 0
}

#ifdef MUTANT_RETAINED_UNHEARD
#define HEARD(what) 0                    /* only the store says which incarnation it is */
#else
#define HEARD(what) (what)
#endif

/* The hub starts with another file: an empty store has an identity of its own. */
inline restore() {
  if :: copy_stored == 0 -> identity++ :: else -> skip fi;
  i = 1;
  do :: i <= decided -> undone[i] = true; i++ :: else -> break od;
  top = copy_top;
  top_disk = copy_top;
  i = 0;
  do :: i <= ROWS -> value[i] = copy_value[i]; undone[value[i]] = false; i++ :: else -> break od;
  i = 0;
  stored = copy_stored;
  begin_incarnation(0);
  start()
}

#ifndef LIVE
/* ------------------------------------------------------------------ safety */

#define ARRIVES(l, o, v) \
  :: d_step { (air[l] & BIT(o, v)) && (IS_NEW(l, o) || (IS_SAME(l, o) && v != marked)) -> offer(l, o, v) }
#define VALUES_ARRIVE(l, o) ARRIVES(l, o, 1) ARRIVES(l, o, 2) ARRIVES(l, o, 3)
#define LIFE_ARRIVES(l) VALUES_ARRIVE(l, 0) VALUES_ARRIVE(l, 1) VALUES_ARRIVE(l, 2) \
  VALUES_ARRIVE(l, 3) VALUES_ARRIVE(l, 4)

active proctype World() {
end:
  do
  :: d_step { decided < VALUES && top < ROWS -> decide() }
  :: d_step { top < ROWS - 1 -> log_something_else() }
  :: d_step { top_disk != top || stored != incarnation -> sync() }
  :: d_step { starts < STARTS -> starts++; power_cut();
       highest = incarnation; PUBLISH(LIFE_OF_VALUES, said_at, NEWEST) }
  :: d_step { starts < STARTS && top_disk == top -> starts++; begin_incarnation(0); start();
       highest = incarnation; PUBLISH(LIFE_OF_VALUES, said_at, NEWEST) }
  :: d_step { PUBLISH(incarnation, said_at, NEWEST) }                 /* a new link to the broker */
  :: d_step { RESTORES > 0 && copy_stored == 0 -> copy_store() }
  :: d_step { restores < RESTORES -> restores++; restore();
       if :: HEARD(highest) >= incarnation -> begin_incarnation(highest) :: else -> skip fi;
       if :: highest < incarnation -> highest = incarnation :: else -> skip fi;
       PUBLISH(LIFE_OF_VALUES, said_at, NEWEST) }
  :: d_step { heard_of != identity -> hear_of_store() }
  :: d_step { reboots < REBOOTS && mark_life != 0 -> reboots++; reboot() }
  LIFE_ARRIVES(1)
  LIFE_ARRIVES(2)
  LIFE_ARRIVES(3)
#if STARTS + RESTORES > 2
  LIFE_ARRIVES(4)
#endif
  od
}

#else
/* ------------------------------------------------------------------ liveness */

/* A log that has no value of this topic (any more) has nothing to say: see README.md. */
#define AGREED (decided == VALUES && (NEWEST == 0 || applied == NEWEST))
ltl settles { (<> quiet) -> (<> [] AGREED) }

bool greeting = false;   /* the incarnation is said, the values follow */

active proctype Time() {                 /* goes on when nothing else does, for the claim to see */
  do :: quiet -> skip od
}

active proctype Hub() {
  do
  :: d_step { online && !greeting && nfull(pub) && decided < VALUES && top < ROWS ->
       decide(); pub!VALUE(incarnation, said_at, NEWEST) }
  :: d_step { !online && decided < VALUES && top < ROWS -> decide() }  /* nobody hears it yet */
  :: d_step { !online && nfull(pub) ->                      /* Connection._introduce, _greet */
       if :: !introduced && HEARD(kept_status) >= incarnation -> begin_incarnation(kept_status)
          :: else -> skip fi;
       introduced = true;
       online = true;
       greeting = true;
#ifndef MUTANT_STATUS_BEHIND
       pub!STATUS(incarnation, 0, 0)
#endif
     }
  :: d_step { online && greeting && nfull(pub) ->
       greeting = false;
#ifndef MUTANT_NO_REPUBLISH
       if :: NEWEST > 0 -> pub!VALUE(LIFE_OF_VALUES, said_at, NEWEST) :: else -> skip fi
#endif
     }
#ifdef MUTANT_STATUS_BEHIND
  :: d_step { online && !greeting && nfull(pub) && kept_status != incarnation ->
       pub!STATUS(incarnation, 0, 0) }
#endif
  od
}

active proctype Syncer() {
  do :: d_step { top_disk != top || stored != incarnation -> sync() } od
}

active proctype Broker() {
  mtype kind;
  byte l, o, v;
  do
  :: d_step { nempty(pub) && nfull(sub) -> pub?kind,l,o,v;
       if
       :: kind == STATUS -> kept_status = l
       :: else -> kept_life = l; kept_offset = o; kept_value = v;
            if :: subscribed -> sub!l,o,v :: else -> skip fi
       fi;
       kind = 0; l = 0; o = 0; v = 0 }
  od
}

active proctype Board() {
  byte l, o, v;
  do
  :: d_step { subscribed && nempty(sub) -> sub?l,o,v; offer(l, o, v); l = 0; o = 0; v = 0 }
  :: d_step { !subscribed && empty(sub) -> subscribed = true;
       if :: kept_value > 0 -> sub!kept_life,kept_offset,kept_value :: else -> skip fi }
  od
}

active proctype Acknowledgements() {
  do
  :: d_step { subscribed && online && empty(sub) && heard_of != identity ->
       hear_of_store();
       if :: kept_value > 0 -> sub!kept_life,kept_offset,kept_value :: else -> skip fi }  /* asked again */
  od
}

inline hang_up_board() {
  subscribed = false;
  do :: nempty(sub) -> sub?l,o,v :: empty(sub) -> break od;
  l = 0; o = 0; v = 0
}

inline hang_up_hub() {   /* what the broker has not read is lost */
  online = false;
  greeting = false;
  do :: nempty(pub) -> pub?kind,l,o,v :: empty(pub) -> break od;
  kind = 0; l = 0; o = 0; v = 0
}

active proctype Trouble() {
  mtype kind;
  byte l, o, v;
  do
  :: d_step { subscribed -> hang_up_board() }
  :: d_step { online -> hang_up_hub() }
  :: d_step { starts < STARTS -> starts++; hang_up_hub(); power_cut() }
  :: d_step { reboots < REBOOTS -> reboots++; hang_up_board(); reboot() }
#ifndef FORGETFUL
  :: d_step { old_status != kept_status || old_value != kept_value || old_life != kept_life ->
       old_life = kept_life; old_offset = kept_offset; old_value = kept_value; old_status = kept_status }
  :: d_step { brokers < BROKERS -> brokers++; hang_up_hub(); hang_up_board();    /* old values */
       kept_life = old_life; kept_offset = old_offset; kept_value = old_value; kept_status = old_status }
#endif
  :: d_step { brokers < BROKERS -> brokers++; hang_up_hub(); hang_up_board();    /* none */
       kept_life = 0; kept_offset = 0; kept_value = 0; kept_status = 0 }
#ifndef NO_COPY
  :: d_step { RESTORES > 0 && copy_stored == 0 -> copy_store() }
#endif
  :: d_step { restores < RESTORES -> restores++; hang_up_hub(); restore() }
  :: quiet = true; break
  od
}
#endif
