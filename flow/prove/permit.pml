/*
 * The protocol of permits, of gate.go, share.go and behind.go: calls arrive, wait, are let in,
 * give back, leave; some share a permit; some leave work behind that keeps their seat; the gate
 * drains. What the gate does under its lock is
 * one atomic step here, and what happens between the steps is every interleaving: a call
 * that is cancelled may find, once it has the lock, that it has been let in meanwhile.
 *
 * N calls come again and again for one of SEATS seats, SHARING of them with a key in
 * common, at most SHAREMAX of those under a permit. Which of them are impatient, and are
 * cancelled at some time while they wait, is left open (the others wait for as long as it
 * takes), and whether and when the gate drains (EMPTY: refusing those that wait).
 *
 * The first KEEPING calls may leave work behind: what they held passes to it, at once, and
 * comes back when it ends. Under a shared permit there is one such piece at most that goes on
 * when the last call is done, and calls with the key go on coming in under it.
 *
 * FORGET, ENDLESS, SILENT, GIVEN and LOST are faults, as planted in a test: a call that leaves
 * in the moment in which it is let in does not give its permit back; a shared permit has no
 * bound on the calls that come to be under it one after the other; who is called in under a
 * shared permit is not woken; the last call under a shared permit gives it back though work
 * goes on under it; work that goes on behind a call that shares with nobody does not give the
 * seat back. A check of this model that passes with them is worth nothing.
 */

#ifndef N
#define N 3
#endif
#ifndef SEATS
#define SEATS 1
#endif
#ifndef SHARING
#define SHARING 2
#endif
#define SHAREMAX 2
#ifndef EMPTY
#define EMPTY 1
#endif
#ifndef FORGET
#define FORGET 0
#endif
#ifndef SILENT
#define SILENT 0
#endif
#ifndef KEEPING
#define KEEPING 0
#endif
#ifndef GIVEN
#define GIVEN 0
#endif
#ifndef LOST
#define LOST 0
#endif
#ifdef ENDLESS
#define ROOM (members < SHAREMAX)
#else
#define ROOM (came < SHAREMAX)
#endif

#define SHARED(i) (i < SHARING)

/* What has been decided about a call; what it holds. */
#define OPEN    0
#define STARTED 1
#define REFUSED 2
#define NOTHING 0
#define ALONE   1 /* a permit */
#define UNDER   2 /* a place under the shared permit */

byte free = SEATS;
byte queue[N];            /* calls that wait, in the order in which they came */
byte length = 0;
byte members = 0;         /* calls under the shared permit */
byte came = 0;            /* calls that have come to be, since it was taken */
bool led = false;         /* the shared permit is taken */
byte behind = 0;          /* seats in the hands of work that calls have left behind … */
bool kept = false;        /* … and there is such work under the shared permit */
bool draining = false;

byte decided[N];
byte holds[N];
bool token[N];            /* one that its parker holds */
bool waiting[N];          /* in the queue, or decided about and not yet awake */
byte inside = 0;          /* calls that run under a permit of their own … */
byte sharers = 0;         /* … and under the shared one */

/* Takes the call at place k out of the queue. */
inline unqueue(k) {
	length--;
	m = k;
	do
	:: m < length -> queue[m] = queue[m+1]; m++
	:: else -> break
	od;
	queue[length] = 0
}

/* Decides about call c, which waits, and wakes it. It must not hold a permit yet. */
inline decide(c, what, held) {
	assert(holds[c] == NOTHING && !token[c]);
	decided[c] = what;
	holds[c] = held;
	token[c] = true
}

/* Starts what waits as long as there are seats; who leads calls in those with the key. */
inline dispatch() {
	do
	:: free > 0 && length > 0 ->
		c = queue[0];
		unqueue(0);
		free--;
		if
		:: SHARED(c) && !led ->
			led = true; members = 1; came = 1;
			decide(c, STARTED, UNDER);
			k = 0;
			do
			:: k < length && ROOM && SHARED(queue[k]) ->
				c = queue[k];
				unqueue(k);
				members++; came++;
				decide(c, STARTED, UNDER);
				if
				:: SILENT -> token[c] = false
				:: else
				fi
			:: k < length && !(ROOM && SHARED(queue[k])) -> k++
			:: k >= length -> break
			od
		:: else -> decide(c, STARTED, ALONE)
		fi
	:: else -> break
	od;
	c = 0; k = 0; m = 0
}

/* Gives back what call i holds, or leaves it to work behind. */
inline done(i, keeps) {
	assert(holds[i] != NOTHING);
	if
	:: holds[i] == ALONE && keeps -> behind++
	:: holds[i] == ALONE && !keeps -> free++
	:: else ->
		assert(led && members > 0);
		kept = kept || keeps;
		members--;
		if
		:: members == 0 && (!kept || GIVEN) -> led = false; came = 0; free++
		:: else
		fi
	fi;
	holds[i] = NOTHING;
	dispatch()
}

/* Work that goes on behind calls ends some time: one piece after the other, and that under
   the shared permit. */
proctype worker() {
	byte c, k, m;
	do
	:: d_step { behind > 0 ->
		behind--;
		if
		:: LOST
		:: else -> free++
		fi;
		dispatch()
	   }
	od
}

proctype sharedWorker() {
	byte c, k, m;
	do
	:: d_step { kept ->
		kept = false;
		if
		:: members == 0 && !GIVEN -> led = false; came = 0; free++
		:: else
		fi;
		dispatch()
	   }
	od
}

proctype call(byte i) {
	byte c, k, m;
	bool left, impatient, keeps;
	do
	:: atomic {
	   if :: impatient = true :: impatient = false fi;
	   if :: i < KEEPING -> keeps = true :: keeps = false fi;
	   d_step { /* Acquire, until it waits */
		assert(holds[i] == NOTHING && !token[i]);
		decided[i] = OPEN;
		left = false;
		if
		:: draining -> decided[i] = REFUSED
		:: !draining && SHARED(i) && led && ROOM ->
			members++; came++; holds[i] = UNDER; decided[i] = STARTED
		:: !draining && !(SHARED(i) && led && ROOM) && free > 0 ->
			assert(length == 0); /* nothing that waits could start */
			free--;
			decided[i] = STARTED;
			if
			:: SHARED(i) && !led -> led = true; members = 1; came = 1; holds[i] = UNDER
			:: else -> holds[i] = ALONE
			fi
		:: else ->
			queue[length] = i; length++;
			waiting[i] = true
		fi
	   } }
	   if
	   :: waiting[i] ->
		if /* Park */
		:: d_step { token[i] -> token[i] = false; waiting[i] = false }
		:: impatient -> /* cancelled, now: while it waits, or has been decided about */
			d_step { /* Cancel, under the lock */
				k = 0;
				do
				:: k < length && queue[k] != i -> k++
				:: else -> break
				od;
				left = true;
				if
				:: k < length ->
					unqueue(k);
					dispatch()
				:: else -> /* it has been decided about in the same moment */
					assert(decided[i] != OPEN && token[i]);
					token[i] = false
				fi;
				k = 0;
				waiting[i] = false
			}
			if
			:: decided[i] == STARTED && FORGET -> holds[i] = NOTHING
			:: decided[i] == STARTED && !FORGET -> d_step { done(i, false) }
			:: else
			fi
		fi
	   :: else
	   fi;
	   if
	   :: decided[i] == STARTED && !left ->
		d_step {
			if
			:: holds[i] == ALONE -> inside++
			:: holds[i] == UNDER -> sharers++
			fi;
			assert(inside + behind + (sharers > 0 || kept -> 1 : 0) <= SEATS)
		}
		d_step { /* the work is done: Done */
			if
			:: holds[i] == ALONE -> inside--
			:: holds[i] == UNDER -> sharers--
			fi;
			done(i, keeps)
		}
	   :: else
	   fi
	od
}

proctype drainer() {
	byte c;
	if
	:: d_step {
		draining = true;
		do
		:: EMPTY && length > 0 ->
			length--;
			c = queue[length]; queue[length] = 0;
			decide(c, REFUSED, NOTHING)
		:: else -> break
		od;
		c = 0
	   }
	:: true /* never */
	fi
}

init {
	byte i = 0;
	atomic {
		do
		:: i < N -> run call(i); i++
		:: else -> break
		od;
		run drainer();
		if
		:: KEEPING > 0 -> run worker(); run sharedWorker()
		:: else
		fi
	}
}

/* Each seat is free, or in one call's hands, or in those of the calls that share it, or in
   those of work that was left behind. */
#if N == 2
#define HOLDING(what) ((holds[0] == what) + (holds[1] == what))
#elif N == 3
#define HOLDING(what) ((holds[0] == what) + (holds[1] == what) + (holds[2] == what))
#else
#define HOLDING(what) ((holds[0] == what) + (holds[1] == what) + (holds[2] == what) + (holds[3] == what))
#endif
ltl seats { [] (free + HOLDING(ALONE) + led + behind == SEATS && members == HOLDING(UNDER) && (kept -> led)) }

/* Nobody waits for ever. With weak fairness: a step that stays possible is made. The first
   call has the key (if any has), the last has it if all have. */
ltl first { [] (waiting[0] -> <> !waiting[0]) }
ltl last { [] (waiting[N-1] -> <> !waiting[N-1]) }
