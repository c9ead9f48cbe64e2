package imap

import "bascule/maildir"

// flagTest is what a search demands of the flags of all that it finds. It is asked where the messages lie (maildir.Snapshot.WithFlags), which
// costs a twentieth of looking at each as a candidate.
type flagTest struct{ has, lacks maildir.Flags }

func (f flagTest) passes(have maildir.Flags) bool { return have&f.has == f.has && have&f.lacks == 0 }

// splitFlags divides a bound criterion into what it demands of the flags and what is left to ask of a message that has them; left is nil
// if that is nothing. never says that no message can match.
func (k *criterion) splitFlags() (f flagTest, left *criterion, never bool) {
	left = &criterion{op: opAnd}
	never = k.demand(&f, left) || f.has&f.lacks != 0
	switch len(left.kids) {
	case 0:
		left = nil
	case 1:
		left = left.kids[0]
	}
	return f, left, never
}

// demand adds to f what the criterion wants of the flags, and to left what else it wants.
func (k *criterion) demand(f *flagTest, left *criterion) (never bool) {
	switch {
	case k.op == opAll:
	case k.op == opAnd:
		for _, kid := range k.kids {
			never = kid.demand(f, left) || never
		}
	case k.ofFlag():
		f.has |= k.flag
		never = k.flag == 0 // a keyword that the mailbox does not know
	case k.op == opNot && k.kids[0].ofFlag():
		f.lacks |= k.kids[0].flag
	default:
		left.kids = append(left.kids, k)
	}
	return never
}

func (k *criterion) ofFlag() bool { return k.op == opFlag || k.op == opKeyword }
