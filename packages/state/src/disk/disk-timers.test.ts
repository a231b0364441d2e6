/** Timers on disk: as in memory, however little memory there is, and their files go with them. */
import { openDisk, openResident, openWorking } from '../testing/disk-in-memory.ts'
import { timersFuzz } from '../testing/timers-fuzz.ts'

timersFuzz('resident', [openResident])
timersFuzz('disk', [() => openDisk().state, openWorking])
timersFuzz('disk and resident', [openWorking, openResident])
