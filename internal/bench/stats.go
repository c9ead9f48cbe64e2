package bench

import (
	"math"
	"slices"
	"time"
)

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(x))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// percentile gives the value below which p percent lie, by the nearest rank.
func percentile(x []time.Duration, p float64) time.Duration {
	if len(x) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(x))
	i := int(math.Ceil(p/100*float64(len(s)))) - 1
	return s[min(max(i, 0), len(s)-1)]
}

// exponent is the slope of a straight line through (log size, log cost): 0 is a cost that does not grow, 1 one that grows with the size.
// It is NaN if there are not two sizes.
func exponent(sizes []int, cost []float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for i := range sizes {
		if cost[i] <= 0 || sizes[i] <= 0 {
			continue
		}
		x, y := math.Log(float64(sizes[i])), math.Log(cost[i])
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	d := n*sxx - sx*sx
	if n < 2 || d < 1e-9 {
		return math.NaN()
	}
	return (n*sxy - sx*sy) / d
}
