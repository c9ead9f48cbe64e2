package wire

import (
	"strings"
	"time"
)

var months = [12]string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// ExpectDate reads a date, quoted or not, of SEARCH (RFC 9051 §9 date); the time is its midnight in UTC, which
// stands for no zone: SEARCH disregards time and zone.
func (d *Decoder) ExpectDate(t *time.Time) bool {
	if !d.word(astringChar) && !d.quoted() {
		return d.expected("date")
	}
	if !parseDay(string(d.buf), t) {
		return d.Fail("invalid date, expected d-Mon-yyyy")
	}
	return d.did("date")
}

// parseDay reads "1-Jan-2006", with a day of one or two digits.
func parseDay(s string, t *time.Time) bool {
	day, rest, ok1 := strings.Cut(s, "-")
	mon, year, ok2 := strings.Cut(rest, "-")
	if !ok1 || !ok2 || len(day) < 1 || len(day) > 2 || len(year) != 4 {
		return false
	}
	dd, ok1 := digits(day)
	yy, ok2 := digits(year)
	if !ok1 || !ok2 {
		return false
	}
	mon = strings.ToLower(mon)
	for i, m := range months {
		if m == mon {
			*t = time.Date(yy, time.Month(i+1), dd, 0, 0, 0, 0, time.UTC)
			return t.Day() == dd // no 31-Feb
		}
	}
	return false
}

// DateTime reads the quoted date-time of APPEND: "dd-Mon-yyyy hh:mm:ss +zzzz" (RFC 9051 §9 date-time).
func (d *Decoder) DateTime(t *time.Time) bool {
	if !d.quoted() {
		return false
	}
	if !parseDateTime(string(d.buf), t) {
		return d.Fail("invalid date-time, expected dd-Mon-yyyy hh:mm:ss +zzzz")
	}
	return d.did("date-time")
}

// ExpectDateTime is DateTime, demanded.
func (d *Decoder) ExpectDateTime(t *time.Time) bool { return d.expect(d.DateTime(t), "date-time") }

func parseDateTime(s string, t *time.Time) bool {
	s = strings.TrimLeft(s, " ")
	day, clock, ok := strings.Cut(s, " ")
	if !ok || len(clock) != len("15:04:05 -0700") || clock[2] != ':' || clock[5] != ':' || clock[8] != ' ' {
		return false
	}
	var date time.Time
	if !parseDay(day, &date) {
		return false
	}
	hh, ok1 := digits(clock[0:2])
	mm, ok2 := digits(clock[3:5])
	ss, ok3 := digits(clock[6:8])
	zh, ok4 := digits(clock[10:12])
	zm, ok5 := digits(clock[12:14])
	sign := clock[9]
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || hh > 23 || mm > 59 || ss > 60 || zm > 59 || sign != '+' && sign != '-' {
		return false
	}
	zone := zh*3600 + zm*60
	if sign == '-' {
		zone = -zone
	}
	loc := time.UTC
	if zone != 0 {
		loc = time.FixedZone("", zone)
	}
	*t = time.Date(date.Year(), date.Month(), date.Day(), hh, mm, ss, 0, loc)
	return true
}

func digits(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, len(s) > 0
}
