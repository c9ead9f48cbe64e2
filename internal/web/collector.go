package web

import (
	"github.com/prometheus/client_golang/prometheus"

	"bascule/internal/metrics"
)

// collector shows a metrics.Registry to Prometheus.
type collector struct {
	registry *metrics.Registry
	descs    map[string]*prometheus.Desc
}

func newCollector(r *metrics.Registry) *collector {
	c := &collector{registry: r, descs: map[string]*prometheus.Desc{}}
	for _, d := range r.Descs() {
		names := make([]string, len(d.Labels))
		for i, l := range d.Labels {
			names[i] = l.Name
		}
		c.descs[d.Name] = prometheus.NewDesc(d.Name, d.Help, names, nil)
	}
	return c
}

// Describe is part of prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	bounds := metrics.Bounds()
	c.registry.Each(func(d metrics.Desc, s metrics.Sample) {
		desc := c.descs[d.Name]
		switch d.Kind {
		case metrics.KindHistogram:
			buckets := make(map[float64]uint64, len(bounds))
			for i, b := range bounds {
				buckets[b] = s.Buckets[i]
			}
			out <- prometheus.MustNewConstHistogram(desc, s.Count, s.Value, buckets, s.Values...)
		case metrics.KindGauge:
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, s.Value, s.Values...)
		default:
			out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, s.Value, s.Values...)
		}
	})
}
