package message

import (
	"strings"
	"time"
)

// ParseDate reads a Date field, in the form of RFC 5322 §3.3 and in what stands there instead: no weekday, weekday in
// any language, two-digit years, no seconds, no zone, zone names, comments, ISO 8601, asctime, AM and
// PM. The time is in the zone that was written, so its day is the day that SENTSINCE and SENTON mean; UTC if there is no zone.
// It says no if there is no valid day.
func ParseDate(s string) (time.Time, bool) {
	d := dateReader{s: s[:min(len(s), maxDate)], year: -1}
	for d.at < len(d.s) {
		d.next()
	}
	return d.time()
}

// maxDate is where a date stops being read.
const maxDate = 256

type dateReader struct {
	s  string
	at int

	year, month, day int // year -1 and the others 0 if not seen yet
	hour, min, sec   int
	clock, pm, am    bool
	zone             int // seconds east
	zoned            bool
}

// next takes one word, number or mark.
func (d *dateReader) next() {
	switch c := d.s[d.at]; {
	case c == '(':
		d.at, _ = commentEnd(d.s, d.at)
	case isDigit(c):
		d.number()
	case (c == '+' || c == '-') && d.clock && !d.zoned:
		d.offset()
	case isLetter(c):
		d.word()
	default:
		d.at++
	}
}

func (d *dateReader) digits() (n, length int) {
	start := d.at
	for d.at < len(d.s) && isDigit(d.s[d.at]) {
		if d.at-start < 9 {
			n = n*10 + int(d.s[d.at]-'0')
		}
		d.at++
	}
	return n, d.at - start
}

// after takes a mark if it comes next with a digit behind it.
func (d *dateReader) after(mark byte) bool {
	if d.at+1 < len(d.s) && d.s[d.at] == mark && isDigit(d.s[d.at+1]) {
		d.at++
		return true
	}
	return false
}

func (d *dateReader) number() {
	n, length := d.digits()
	switch {
	case !d.clock && (d.after(':') || d.day != 0 && d.month != 0 && length <= 2 && d.after('.')):
		d.clock = true
		d.hour = n
		d.min, _ = d.digits()
		if d.after(':') || d.after('.') {
			d.sec, _ = d.digits()
			if d.after('.') || d.after(',') {
				d.digits() // parts of a second
			}
		}
	case length == 4 && d.year < 0 && d.month == 0 && d.day == 0 && (d.after('-') || d.after('/')):
		// ISO 8601: year first.
		d.year = n
		d.month, _ = d.digits()
		if d.after('-') || d.after('/') {
			d.day, _ = d.digits()
		}
	case d.day == 0 && length <= 2:
		d.day = n
	case d.year < 0 && (length == 4 || d.month != 0):
		d.year = n
		if length <= 3 {
			d.year = fullYear(n)
		}
	}
}

// fullYear completes an obsolete year (RFC 5322 §4.3).
func fullYear(n int) int {
	if n < 50 {
		return 2000 + n
	}
	return 1900 + n // three digits too: 107 is 2007
}

var monthNames = [...]string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// zoneHours are the names of RFC 5322 §4.3 and a few that were common.
var zoneHours = map[string]float64{
	"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
	"wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2, "met": 1, "mest": 2, "mez": 1, "mesz": 2, "eet": 2, "eest": 3, "msk": 3, "jst": 9, "kst": 9, "ist": 5.5,
}

func (d *dateReader) word() {
	start := d.at
	for d.at < len(d.s) && isLetter(d.s[d.at]) {
		d.at++
	}
	w := lowerASCII(d.s[start:d.at])
	if d.month == 0 && len(w) >= 3 {
		for i, m := range monthNames {
			if strings.HasPrefix(w, m) {
				d.month = i + 1
				return
			}
		}
	}
	if !d.clock {
		return
	}
	switch h, ok := zoneHours[w]; {
	case w == "pm":
		d.pm = true
	case w == "am":
		d.am = true
	case ok && !d.zoned:
		d.zone, d.zoned = int(h*3600), true
	}
}

// offset reads +hhmm, +hh:mm or +hh.
func (d *dateReader) offset() {
	sign := 1
	if d.s[d.at] == '-' {
		sign = -1
	}
	d.at++
	if d.at == len(d.s) || !isDigit(d.s[d.at]) {
		return
	}
	n, length := d.digits()
	hours, minutes := n/100, n%100
	if length <= 2 {
		hours, minutes = n, 0
		if d.after(':') {
			minutes, _ = d.digits()
		}
	}
	if hours < 24 && minutes < 60 {
		d.zone, d.zoned = sign*(hours*3600+minutes*60), true
	}
}

func (d *dateReader) time() (time.Time, bool) {
	switch {
	case d.pm && d.hour < 12:
		d.hour += 12
	case d.am && d.hour == 12:
		d.hour = 0
	}
	if d.year < 0 || d.month < 1 || d.month > 12 || d.day < 1 {
		return time.Time{}, false
	}
	if d.hour > 24 || d.min > 59 || d.sec > 60 {
		d.hour, d.min, d.sec = 0, 0, 0 // the day is still right
	}
	loc := time.UTC
	if d.zone != 0 {
		loc = time.FixedZone("", d.zone)
	}
	day := time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, loc)
	if day.Day() != d.day {
		return time.Time{}, false // 31 June
	}
	return time.Date(d.year, time.Month(d.month), d.day, d.hour, d.min, d.sec, 0, loc), true
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }
