// Package proc measures processes from outside, by /proc: the processor time and the memory of a process and all of its descendants.
//
// Processor time includes children that have ended, as far as they were waited for: the kernel adds their time to their parent's. It comes
// in ticks of 10 ms, so a measurement should last a second at least. Memory is the proportional set size, which counts a page
// that n processes share as 1/n in each, so that forked servers are not charged for it n times.
package proc
