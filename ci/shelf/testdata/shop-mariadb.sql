/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: shop
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `customers`
--

DROP TABLE IF EXISTS `customers`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `customers` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(100) NOT NULL,
  `city` varchar(50) DEFAULT NULL,
  `picture` varbinary(200) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`)
) ENGINE=InnoDB AUTO_INCREMENT=64 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `customers`
--

LOCK TABLES `customers` WRITE;
/*!40000 ALTER TABLE `customers` DISABLE KEYS */;
INSERT INTO `customers` VALUES
(1,'customer1','Z√ºrich','ƒ B8†π#Ç\rÃPöouÑõ'),
(2,'customer2','O\'Neil; -- \\ no','»rçùL/coâÃÜ,'),
(3,'customer3','Âåó‰∫¨','ÏÀ»~K\\‚˛(0èŸÚß∫Û'),
(4,'customer4','Z√ºrich','®ˆy¢ÛÁëÅ¶{uB,'),
(5,'customer5','O\'Neil; -- \\ no','‰⁄;ªŒ#E◊w+t£’'),
(6,'customer6','Âåó‰∫¨','y	ZàØoµÊ~±≤‹'),
(7,'customer7','Z√ºrich','è‰_ŒÍzZ6ﬁ›KÍ%C'),
(8,'customer8','O\'Neil; -- \\ no','…¯ï˚ò´ëYı–)~#m'),
(9,'customer9','Âåó‰∫¨','EƒåŒ.-ΩÍ\Z¸Q«∆≠&'),
(10,'customer10','Z√ºrich','”ŸDh§BYu]8Ê—cË '),
(11,'customer11','O\'Neil; -- \\ no','eΩCŸ ¶‡,ô\nÇe- '),
(12,'customer12','Âåó‰∫¨','¬\n‘◊oÈwY™\'†…õˇg'),
(13,'customer13','Z√ºrich','≈‰¡$°\rµ‰π¬Ø9'),
(14,'customer14','O\'Neil; -- \\ no','™≥#â\"º¬Zo`nµ%ˇ‹V'),
(15,'customer15','Âåó‰∫¨','õÛbìjñ”»Ωè/Û'),
(16,'customer16','Z√ºrich','«Mó∞Æ%~D™ù[≠È{Ø'),
(17,'customer17','O\'Neil; -- \\ no','pÔﬂ.…∞ÜóïƒBckU˚'),
(18,'customer18','Âåó‰∫¨','oI\"ÙUh\ZåﬂJ“)üm#'),
(19,'customer19','Z√ºrich','=≠ôêÉE˜Cüè˙Ωˇƒ'),
(20,'customer20','O\'Neil; -- \\ no','òÒ7!îƒuh{Êj;Ñ'),
(21,'customer21','Âåó‰∫¨','<Y‹éàP$;Ëö\\t–y'),
(22,'customer22','Z√ºrich','∂◊g“¯Ì]!§KXÜhπ'),
(23,'customer23','O\'Neil; -- \\ no','7i<¸tÄI‰]á∏«ÿπ™Õ'),
(24,'customer24','Âåó‰∫¨','Òﬁw@¯⁄Ù)Càe_'),
(25,'customer25','Z√ºrich','é)jz7V3pﬁ–_Z;ÛÏ'),
(26,'customer26','O\'Neil; -- \\ no','Ns,Ì4c–m‡ ö∂6w'),
(27,'customer27','Âåó‰∫¨','ÁO‡2zÿh—8Ú¥˝÷'),
(28,'customer28','Z√ºrich','3Á_ù÷ªÊü59!â'),
(29,'customer29','O\'Neil; -- \\ no','n©´™˚û	D@√‚'),
(30,'customer30','Âåó‰∫¨','4<≥è¯ù€Î¬¨ë(0?'),
(31,'customer31','Z√ºrich','¡jS ˙GU0ŸX<4˝5nı'),
(32,'customer32','O\'Neil; -- \\ no','cd”Ùï∂´ùœç;\\n'),
(33,'customer33','Âåó‰∫¨','+‡≈ÕÕPrªdÕÓM=n'),
(34,'customer34','Z√ºrich','„iÖ=˜f˙D·ÌˆıcΩ'),
(35,'customer35','O\'Neil; -- \\ no','8<”|)äµì≠˛À{'),
(36,'customer36','Âåó‰∫¨',' ÁÍc(§.±=X^L\"'),
(37,'customer37','Z√ºrich','•ø…‡yd¯›ﬁπ_≈ÑÕñ]'),
(38,'customer38','O\'Neil; -- \\ no','•wŒì‚\0√o|Ÿﬂ–Âﬁ™'),
(39,'customer39','Âåó‰∫¨','÷}ä¥Ù¡Ú*£S‚xy<'),
(40,'customer40','Z√ºrich','÷Eí9_Ì≠{ªÌ ?‚‡'),
(41,'customer41','O\'Neil; -- \\ no','4ß_LÍë	P|¨ÿ‚ÚÆ¸'),
(42,'customer42','Âåó‰∫¨','°–∆Ë?s\'ÿFcÙ¨X¶'),
(43,'customer43','Z√ºrich','Ê!f¸ÖÜﬂ§—ºB¿ã'),
(44,'customer44','O\'Neil; -- \\ no','˜qc»3ﬂÙ≥è»“á/∆'),
(45,'customer45','Âåó‰∫¨','lÉIÃr`Æb„±9h1®9è'),
(46,'customer46','Z√ºrich','Ÿ‘ÙïËu¢‡u°§¶·πw'),
(47,'customer47','O\'Neil; -- \\ no','g∆°ÁŒV”÷˙tä∂ŸØ?◊'),
(48,'customer48','Âåó‰∫¨','d.íÔ∑î!sHÅµ>∂'),
(49,'customer49','Z√ºrich','ÙW≈E©ﬁÿèÏÓGZr¿'),
(50,'customer50','O\'Neil; -- \\ no','¿««m0Ω= Ô…o@\'[‹\n'),
(51,'customer51','Âåó‰∫¨','(8:wç˙Ï‹!\'˜!∑à'),
(52,'customer52','Z√ºrich','öXM˙B ›Ωî§ÈΩ»'),
(53,'customer53','O\'Neil; -- \\ no','ÿ,ç≠Åv÷eE<˚.U'),
(54,'customer54','Âåó‰∫¨','¶ÑÏÓÁo≈\"w2Ü®ïºÑ6'),
(55,'customer55','Z√ºrich','µ;:=jπ‡&Ç)õﬁ'),
(56,'customer56','O\'Neil; -- \\ no','üa@é:˚c>PÕÒ≤\rÊÙf'),
(57,'customer57','Âåó‰∫¨','r≥*uK°¿õ6ï‡Àlﬁ'),
(58,'customer58','Z√ºrich','fA·j`íãß‚(®ú7ô'),
(59,'customer59','O\'Neil; -- \\ no','	?e‡Ä¢ï¯kW\"§j¢'),
(60,'customer60','Âåó‰∫¨','+°&≤Ù≤7O4+ÈÌD');
/*!40000 ALTER TABLE `customers` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Temporary table structure for view `dear`
--

DROP TABLE IF EXISTS `dear`;
/*!50001 DROP VIEW IF EXISTS `dear`*/;
SET @saved_cs_client     = @@character_set_client;
SET character_set_client = utf8mb4;
/*!50001 CREATE VIEW `dear` AS SELECT
 NULL AS `id`,
 NULL AS `customer`,
 NULL AS `total`,
 NULL AS `note`,
 NULL AS `created_at` */;
SET character_set_client = @saved_cs_client;

--
-- Table structure for table `orders`
--

DROP TABLE IF EXISTS `orders`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `orders` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `customer` int(11) NOT NULL,
  `total` decimal(10,2) NOT NULL,
  `note` text DEFAULT NULL,
  `created_at` datetime NOT NULL,
  PRIMARY KEY (`id`),
  KEY `whose` (`customer`),
  CONSTRAINT `whose` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=128 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `orders`
--

LOCK TABLES `orders` WRITE;
/*!40000 ALTER TABLE `orders` DISABLE KEYS */;
INSERT INTO `orders` VALUES
(1,2,1.50,'a note\nof 1','2026-01-01 01:00:00'),
(2,3,3.00,'a note\nof 2','2026-01-01 02:00:00'),
(3,4,4.50,'a note\nof 3','2026-01-01 03:00:00'),
(4,5,6.00,'a note\nof 4','2026-01-01 04:00:00'),
(5,6,7.50,'a note\nof 5','2026-01-01 05:00:00'),
(6,7,9.00,'a note\nof 6','2026-01-01 06:00:00'),
(7,8,10.50,'a note\nof 7','2026-01-01 07:00:00'),
(8,9,12.00,'a note\nof 8','2026-01-01 08:00:00'),
(9,10,13.50,'a note\nof 9','2026-01-01 09:00:00'),
(10,11,15.00,'a note\nof 10','2026-01-01 10:00:00'),
(11,12,16.50,'a note\nof 11','2026-01-01 11:00:00'),
(12,13,18.00,'a note\nof 12','2026-01-01 12:00:00'),
(13,14,19.50,'a note\nof 13','2026-01-01 13:00:00'),
(14,15,21.00,'a note\nof 14','2026-01-01 14:00:00'),
(15,16,22.50,'a note\nof 15','2026-01-01 15:00:00'),
(16,17,24.00,'a note\nof 16','2026-01-01 16:00:00'),
(17,18,25.50,'a note\nof 17','2026-01-01 17:00:00'),
(18,19,27.00,'a note\nof 18','2026-01-01 18:00:00'),
(19,20,28.50,'a note\nof 19','2026-01-01 19:00:00'),
(20,21,30.00,'a note\nof 20','2026-01-01 20:00:00'),
(21,22,31.50,'a note\nof 21','2026-01-01 21:00:00'),
(22,23,33.00,'a note\nof 22','2026-01-01 22:00:00'),
(23,24,34.50,'a note\nof 23','2026-01-01 23:00:00'),
(24,25,36.00,'a note\nof 24','2026-01-02 00:00:00'),
(25,26,37.50,'a note\nof 25','2026-01-02 01:00:00'),
(26,27,39.00,'a note\nof 26','2026-01-02 02:00:00'),
(27,28,40.50,'a note\nof 27','2026-01-02 03:00:00'),
(28,29,42.00,'a note\nof 28','2026-01-02 04:00:00'),
(29,30,43.50,'a note\nof 29','2026-01-02 05:00:00'),
(30,31,45.00,'a note\nof 30','2026-01-02 06:00:00'),
(31,32,46.50,'a note\nof 31','2026-01-02 07:00:00'),
(32,33,48.00,'a note\nof 32','2026-01-02 08:00:00'),
(33,34,49.50,'a note\nof 33','2026-01-02 09:00:00'),
(34,35,51.00,'a note\nof 34','2026-01-02 10:00:00'),
(35,36,52.50,'a note\nof 35','2026-01-02 11:00:00'),
(36,37,54.00,'a note\nof 36','2026-01-02 12:00:00'),
(37,38,55.50,'a note\nof 37','2026-01-02 13:00:00'),
(38,39,57.00,'a note\nof 38','2026-01-02 14:00:00'),
(39,40,58.50,'a note\nof 39','2026-01-02 15:00:00'),
(40,41,60.00,'a note\nof 40','2026-01-02 16:00:00'),
(41,42,61.50,'a note\nof 41','2026-01-02 17:00:00'),
(42,43,63.00,'a note\nof 42','2026-01-02 18:00:00'),
(43,44,64.50,'a note\nof 43','2026-01-02 19:00:00'),
(44,45,66.00,'a note\nof 44','2026-01-02 20:00:00'),
(45,46,67.50,'a note\nof 45','2026-01-02 21:00:00'),
(46,47,69.00,'a note\nof 46','2026-01-02 22:00:00'),
(47,48,70.50,'a note\nof 47','2026-01-02 23:00:00'),
(48,49,72.00,'a note\nof 48','2026-01-03 00:00:00'),
(49,50,73.50,'a note\nof 49','2026-01-03 01:00:00'),
(50,51,75.00,'a note\nof 50','2026-01-03 02:00:00'),
(51,52,76.50,'a note\nof 51','2026-01-03 03:00:00'),
(52,53,78.00,'a note\nof 52','2026-01-03 04:00:00'),
(53,54,79.50,'a note\nof 53','2026-01-03 05:00:00'),
(54,55,81.00,'a note\nof 54','2026-01-03 06:00:00'),
(55,56,82.50,'a note\nof 55','2026-01-03 07:00:00'),
(56,57,84.00,'a note\nof 56','2026-01-03 08:00:00'),
(57,58,85.50,'a note\nof 57','2026-01-03 09:00:00'),
(58,59,87.00,'a note\nof 58','2026-01-03 10:00:00'),
(59,60,88.50,'a note\nof 59','2026-01-03 11:00:00'),
(60,1,90.00,'a note\nof 60','2026-01-03 12:00:00'),
(61,2,91.50,'a note\nof 61','2026-01-03 13:00:00'),
(62,3,93.00,'a note\nof 62','2026-01-03 14:00:00'),
(63,4,94.50,'a note\nof 63','2026-01-03 15:00:00'),
(64,5,96.00,'a note\nof 64','2026-01-03 16:00:00'),
(65,6,97.50,'a note\nof 65','2026-01-03 17:00:00'),
(66,7,99.00,'a note\nof 66','2026-01-03 18:00:00'),
(67,8,100.50,'a note\nof 67','2026-01-03 19:00:00'),
(68,9,102.00,'a note\nof 68','2026-01-03 20:00:00'),
(69,10,103.50,'a note\nof 69','2026-01-03 21:00:00'),
(70,11,105.00,'a note\nof 70','2026-01-03 22:00:00'),
(71,12,106.50,'a note\nof 71','2026-01-03 23:00:00'),
(72,13,108.00,'a note\nof 72','2026-01-04 00:00:00'),
(73,14,109.50,'a note\nof 73','2026-01-04 01:00:00'),
(74,15,111.00,'a note\nof 74','2026-01-04 02:00:00'),
(75,16,112.50,'a note\nof 75','2026-01-04 03:00:00'),
(76,17,114.00,'a note\nof 76','2026-01-04 04:00:00'),
(77,18,115.50,'a note\nof 77','2026-01-04 05:00:00'),
(78,19,117.00,'a note\nof 78','2026-01-04 06:00:00'),
(79,20,118.50,'a note\nof 79','2026-01-04 07:00:00'),
(80,21,120.00,'a note\nof 80','2026-01-04 08:00:00'),
(81,22,121.50,'a note\nof 81','2026-01-04 09:00:00'),
(82,23,123.00,'a note\nof 82','2026-01-04 10:00:00'),
(83,24,124.50,'a note\nof 83','2026-01-04 11:00:00'),
(84,25,126.00,'a note\nof 84','2026-01-04 12:00:00'),
(85,26,127.50,'a note\nof 85','2026-01-04 13:00:00'),
(86,27,129.00,'a note\nof 86','2026-01-04 14:00:00'),
(87,28,130.50,'a note\nof 87','2026-01-04 15:00:00'),
(88,29,132.00,'a note\nof 88','2026-01-04 16:00:00'),
(89,30,133.50,'a note\nof 89','2026-01-04 17:00:00'),
(90,31,135.00,'a note\nof 90','2026-01-04 18:00:00'),
(91,32,136.50,'a note\nof 91','2026-01-04 19:00:00'),
(92,33,138.00,'a note\nof 92','2026-01-04 20:00:00'),
(93,34,139.50,'a note\nof 93','2026-01-04 21:00:00'),
(94,35,141.00,'a note\nof 94','2026-01-04 22:00:00'),
(95,36,142.50,'a note\nof 95','2026-01-04 23:00:00'),
(96,37,144.00,'a note\nof 96','2026-01-05 00:00:00'),
(97,38,145.50,'a note\nof 97','2026-01-05 01:00:00'),
(98,39,147.00,'a note\nof 98','2026-01-05 02:00:00'),
(99,40,148.50,'a note\nof 99','2026-01-05 03:00:00'),
(100,41,150.00,'a note\nof 100','2026-01-05 04:00:00'),
(101,42,151.50,'a note\nof 101','2026-01-05 05:00:00'),
(102,43,153.00,'a note\nof 102','2026-01-05 06:00:00'),
(103,44,154.50,'a note\nof 103','2026-01-05 07:00:00'),
(104,45,156.00,'a note\nof 104','2026-01-05 08:00:00'),
(105,46,157.50,'a note\nof 105','2026-01-05 09:00:00'),
(106,47,159.00,'a note\nof 106','2026-01-05 10:00:00'),
(107,48,160.50,'a note\nof 107','2026-01-05 11:00:00'),
(108,49,162.00,'a note\nof 108','2026-01-05 12:00:00'),
(109,50,163.50,'a note\nof 109','2026-01-05 13:00:00'),
(110,51,165.00,'a note\nof 110','2026-01-05 14:00:00'),
(111,52,166.50,'a note\nof 111','2026-01-05 15:00:00'),
(112,53,168.00,'a note\nof 112','2026-01-05 16:00:00'),
(113,54,169.50,'a note\nof 113','2026-01-05 17:00:00'),
(114,55,171.00,'a note\nof 114','2026-01-05 18:00:00'),
(115,56,172.50,'a note\nof 115','2026-01-05 19:00:00'),
(116,57,174.00,'a note\nof 116','2026-01-05 20:00:00'),
(117,58,175.50,'a note\nof 117','2026-01-05 21:00:00'),
(118,59,177.00,'a note\nof 118','2026-01-05 22:00:00'),
(119,60,178.50,'a note\nof 119','2026-01-05 23:00:00'),
(120,1,180.00,'a note\nof 120','2026-01-06 00:00:00');
/*!40000 ALTER TABLE `orders` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`shop`@`%`*/ /*!50003 trigger tr before insert on orders for each row begin set new.total = abs(new.total); end 
*/;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;

--
-- Table structure for table `settings`
--

DROP TABLE IF EXISTS `settings`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `settings` (
  `name` varchar(50) NOT NULL,
  `value` text DEFAULT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `settings`
--

LOCK TABLES `settings` WRITE;
/*!40000 ALTER TABLE `settings` DISABLE KEYS */;
INSERT INTO `settings` VALUES
('currency','CNY'),
('empty',''),
('nothing',NULL);
/*!40000 ALTER TABLE `settings` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Dumping routines for database 'shop'
--
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' */ ;
/*!50003 DROP PROCEDURE IF EXISTS `tidy` */;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
DELIMITER ;;
CREATE DEFINER=`shop`@`%` PROCEDURE `tidy`()
begin delete from orders where id < 0; end
;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;

--
-- Final view structure for view `dear`
--

/*!50001 DROP VIEW IF EXISTS `dear`*/;
/*!50001 SET @saved_cs_client          = @@character_set_client */;
/*!50001 SET @saved_cs_results         = @@character_set_results */;
/*!50001 SET @saved_col_connection     = @@collation_connection */;
/*!50001 SET character_set_client      = utf8mb4 */;
/*!50001 SET character_set_results     = utf8mb4 */;
/*!50001 SET collation_connection      = utf8mb4_general_ci */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `dear` AS select `orders`.`id` AS `id`,`orders`.`customer` AS `customer`,`orders`.`total` AS `total`,`orders`.`note` AS `note`,`orders`.`created_at` AS `created_at` from `orders` where `orders`.`total` > 100 */;
/*!50001 SET character_set_client      = @saved_cs_client */;
/*!50001 SET character_set_results     = @saved_cs_results */;
/*!50001 SET collation_connection      = @saved_col_connection */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-11-29  2:34:05
