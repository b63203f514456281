package xlsx

import "gridflow/internal/grid"

func readStyles(p *Package, rels *relationships) (*grid.Styles, error) {
	return &grid.Styles{}, nil
}
