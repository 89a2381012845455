package io.varve.engine.store;

import io.varve.engine.io.DiskFile;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.MapWriter;
import io.varve.engine.map.PageFile;
import io.varve.engine.meta.PageSpace;
import io.varve.engine.meta.Superblock;

/** What a store is made of on disk, opened. */
record StoreParts(
        Superblock superblock,
        Catalogue catalogue,
        SegmentStore segments,
        PageSpace space,
        DiskFile mapFile,
        FramePool frames,
        PageFile pages,
        MapWriter writer,
        Ballast ballast) {}
